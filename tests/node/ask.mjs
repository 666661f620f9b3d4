// SPDX-License-Identifier: Apache-2.0
// Sends four requests through the openai SDK for Node.js and prints what an application would notice, as one JSON line.
// usage: node ask.mjs BASE_URL KEY TERM
import OpenAI from "openai";

const [baseURL, apiKey, term] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0, timeout: 20_000 });
const chat = (content, stream) =>
  client.chat.completions.create({ model: "scripted", messages: [{ role: "user", content }], stream });

async function streamed(content) {
  const seen = { text: "", refusal: "", finish: null, guiju: null, error: null };
  try {
    for await (const chunk of await chat(content, true)) {
      for (const choice of chunk.choices) {
        seen.text += choice.delta.content ?? "";
        seen.refusal += choice.delta.refusal ?? "";
        seen.finish = choice.finish_reason ?? seen.finish;
      }
      seen.guiju = chunk.guiju ?? seen.guiju;
    }
  } catch (error) {
    seen.error = { name: error.constructor.name, code: error.code };
  }
  return seen;
}

async function refused(content) {
  try {
    await chat(content, false);
    return null;
  } catch (error) {
    return { name: error.constructor.name, status: error.status, code: error.code, guiju: error.error?.guiju };
  }
}

const answer = await chat("[[say:好的]]", false);
console.log(
  JSON.stringify({
    answer: { text: answer.choices[0].message.content, finish: answer.choices[0].finish_reason, aigc: answer.aigc },
    stream: await streamed("[[stream:一二三四五六|2]]"),
    refused: await refused(term),
    stopped: await streamed("[[canary:2]]"),
  }),
);
