// SPDX-License-Identifier: Apache-2.0
// Makes a passkey, or signs in with one: asks the server what to ask, asks the authenticator, sends its answer.
"use strict";
(() => {
  document.documentElement.classList.add("scripted");
  const form = document.getElementById("passkey");
  const problem = document.getElementById("problem");
  form.hidden = false;
  const tell = (text) => { problem.textContent = text; problem.hidden = text === ""; };
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const post = (address, body) => fetch(address, {
    method: "POST", headers: { "Content-Type": "application/json", Accept: "application/json" }, body: JSON.stringify(body),
  });
  const fail = async (answer) => {
    let said = form.dataset.failed;
    try { said = (await answer.json()).error.message; } catch { /* what came is no JSON */ }
    throw new Error(said);
  };

  const asked = (options) => {
    const made = { ...options.publicKey };
    made.challenge = bytes(made.challenge);
    if (made.user) made.user = { ...made.user, id: bytes(made.user.id) };
    for (const list of ["excludeCredentials", "allowCredentials"]) {
      if (made[list]) made[list] = made[list].map((one) => ({ ...one, id: bytes(one.id) }));
    }
    return { publicKey: made };
  };
  const told = (credential) => {
    const response = credential.response;
    const made = { clientDataJSON: text(response.clientDataJSON) };
    for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (response[name]) made[name] = text(response[name]);
    }
    return { id: credential.id, rawId: text(credential.rawId), type: credential.type, clientExtensionResults: {}, response: made };
  };

  form.addEventListener("submit", async (event) => {
    if (event.submitter && event.submitter.id === "oidc") return;
    event.preventDefault();
    tell("");
    if (!window.PublicKeyCredential) { tell(form.dataset.none); return; }
    try {
      const name = form.querySelector("#name");
      const first = await post(form.dataset.asked, { link: form.dataset.link || "", name: name ? name.value : "" });
      if (!first.ok) await fail(first);
      const options = asked(await first.json());
      const credential = form.dataset.way === "create" ? await navigator.credentials.create(options) : await navigator.credentials.get(options);
      const second = await post(form.dataset.answer, told(credential));
      if (!second.ok) await fail(second);
      location.assign((await second.json()).next);
    } catch (error) {
      tell(error instanceof DOMException ? form.dataset.failed : error.message);
    }
  });
})();
