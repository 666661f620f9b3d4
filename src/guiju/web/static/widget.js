// SPDX-License-Identifier: Apache-2.0
// <guiju-panel>: what an application shows beside a conversation (Articles 10, 16, 18; companion Measures, 13, 18, 19).
// It asks nobody but the application's own addresses, keeps no word that was said, and has no inline style or script.
// How to embed it: docs/en/how-to/widget.md.
"use strict";
(() => {
  const WORDS = {
    zh: {
      name: "关于这项服务", label: "内容由人工智能生成，可能有误", use: "已连续使用 {c}，今天共 {d}",
      hours: "{h} 小时 {m} 分钟", minutes: "{m} 分钟", complain: "投诉", authority: "向主管部门举报", exit: "立即退出",
      left: "对话已结束。", restTitle: "休息一下吧", breakTitle: "现在是休息时间", until: "可在 {t} 之后继续。",
      ok: "知道了", go: "继续使用", rest: "现在休息", accept: "我已阅读并接受", later: "稍后再看",
      failed: "没有记录成功，请再试一次。", opens: "（在新窗口打开）",
      contact: "您为此登记的联系人会收到提醒，请其关心您；对话的内容不会告诉任何人。",
    },
    en: {
      name: "About this service", label: "Made by an AI, which can be wrong", use: "{c} without a break, {d} today",
      hours: "{h} h {m} min", minutes: "{m} min", complain: "Complain", authority: "Report to the authority",
      exit: "Leave now", left: "This conversation has ended.", restTitle: "Time for a break",
      breakTitle: "It is time to rest", until: "You can go on after {t}.", ok: "All right", go: "Go on", rest: "Rest now",
      accept: "I have read and accept this", later: "Not now", failed: "That was not recorded; please try again.",
      opens: " (opens a new window)",
      contact: "The contact whom you registered for this is asked to look after you; nothing of what was said is told to anybody.",
    },
  };
  const STYLE = `
    :host { display: block; --paper: #fff; --ink: #1f2226; --quiet: #5b606a; --line: #ddd8cd; --accent: #9c2b1f; --on: #fff;
      color: var(--ink); font: 0.875rem/1.6 system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif; overflow-wrap: anywhere; }
    @media (prefers-color-scheme: dark) {
      :host { --paper: #1d2024; --ink: #e8e6e1; --quiet: #a5a9b1; --line: #454b53; --accent: #f0907e; --on: #2a0e0a; }
    }
    [hidden] { display: none !important; }
    section { display: flex; flex-wrap: wrap; align-items: center; gap: 0.25rem 1rem; padding: 0.5rem 0.75rem;
      border: 1px solid var(--line); border-radius: 0.5rem; background: var(--paper); }
    p { margin: 0; }
    .label::before { content: "AI"; margin-right: 0.5em; padding: 0 0.35em; border: 1px solid currentColor; border-radius: 0.25rem; font-weight: 700; font-size: 0.75em; }
    .use { color: var(--quiet); font-variant-numeric: tabular-nums; }
    .links { display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; margin-left: auto; align-items: center; }
    a { color: var(--accent); display: inline-block; min-height: 1.5rem; padding: 0.125rem 0; }
    .told { flex-basis: 100%; padding: 0.25rem 0; }
    button { min-height: 2.75rem; padding: 0.25rem 1rem; border: 1px solid var(--accent); border-radius: 0.5rem;
      background: none; color: var(--accent); font: inherit; font-weight: 600; cursor: pointer; }
    button.first { background: var(--accent); color: var(--on); }
    .links button { min-height: 2rem; }
    :focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 3px; }
    dialog { box-sizing: border-box; width: min(34rem, calc(100vw - 1.5rem)); max-height: calc(100vh - 1.5rem); padding: 1.25rem;
      border: 1px solid var(--line); border-radius: 0.75rem; background: var(--paper); color: var(--ink); font-size: 1rem; }
    dialog::backdrop { background: rgb(0 0 0 / 0.5); }
    h2 { margin: 0 0 0.5rem; font-size: 1.25rem; line-height: 1.3; }
    ul { margin: 0.5rem 0; padding-left: 1.25em; }
    li { margin: 0.25rem 0; }
    .acts { display: flex; flex-wrap: wrap; gap: 0.5rem; margin-top: 1rem; }
    .problem { color: var(--accent); font-weight: 600; }
    @media (max-width: 30rem) { .links { margin-left: 0; } .acts button { width: 100%; } }`;

  const made = (tag, text, kind) => {
    const one = document.createElement(tag);
    if (text) one.textContent = text;
    if (kind) one.className = kind;
    return one;
  };
  const web = (address) => {  // an address of the attributes or of an answer: only the web's, never a script's
    try {
      const one = new URL(address, document.baseURI);
      return address && ["http:", "https:"].includes(one.protocol) ? one.href : "";
    } catch {
      return "";
    }
  };

  class Panel extends HTMLElement {
    static observedAttributes = ["lang", "complain", "authority", "companion"];
    #use = "";
    #pages = null;
    #waiting = [];
    #asked = new Set();
    #parts = {};
    #left = false;

    constructor() {
      super();
      const root = this.attachShadow({ mode: "open" });
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLE);
      root.adoptedStyleSheets = [sheet];
      const parts = (this.#parts = {
        section: made("section"), label: made("p", "", "label"), use: made("p", "", "use"), links: made("div", "", "links"),
        complain: made("a"), authority: made("a"), exit: made("button"), told: made("p", "", "told"), dialog: made("dialog"),
      });
      parts.exit.type = "button";
      parts.use.hidden = parts.told.hidden = true;
      parts.told.setAttribute("role", "status");
      for (const link of [parts.complain, parts.authority]) {
        link.target = "_blank";
        link.rel = "noopener noreferrer";
      }
      parts.exit.addEventListener("click", () => this.#leave());
      parts.dialog.addEventListener("close", () => this.#next());
      parts.links.append(parts.complain, parts.authority, parts.exit);
      parts.section.append(parts.label, parts.use, parts.links, parts.told);
      root.append(parts.section, parts.dialog);
    }

    connectedCallback() { this.#say(); }
    attributeChangedCallback() { if (this.isConnected) this.#say(); }

    // ------------------------------------------------------------ what the application hands over
    /** An answer of the gateway: its headers (`Headers`, or an object), and its body or the last event of its stream. */
    take(headers, body) {
      const get = (name) => (headers instanceof Headers ? headers.get(name) : (headers || {})[name]) || "";
      const guiju = body?.error?.guiju || body?.guiju || {};
      if (get("x-guiju-use")) this.#counted(get("x-guiju-use"));
      if (guiju.authority_url && !this.hasAttribute("authority")) this.setAttribute("authority", guiju.authority_url);
      for (const notice of guiju.notices || []) if (notice.kind === "rest") this.#rest(notice.text);
      if (guiju.reason === "usage_break") this.#broken(body.error?.message || "", guiju.until);
      if (guiju.reason === "conversation_ended") this.#leave();
      if (guiju.category === "self_harm") this.#contact();
      const versions = get("x-guiju-notice").split(",").map((one) => one.trim().split("="));
      for (const [id, version] of versions) if (id && version) this.#unread(id, version);
    }

    // ------------------------------------------------------------ the strip
    #words() {
      const said = this.getAttribute("lang") || this.closest("[lang]")?.getAttribute("lang") || navigator.language || "zh";
      return WORDS[said.toLowerCase().startsWith("zh") ? "zh" : "en"];
    }

    #say() {
      const words = this.#words(), parts = this.#parts;
      parts.section.lang = parts.dialog.lang = words === WORDS.zh ? "zh-CN" : "en";
      parts.section.setAttribute("aria-label", words.name);
      parts.label.textContent = words.label;
      for (const name of ["complain", "authority"]) {
        const link = parts[name], to = web(this.getAttribute(name) || "");
        link.hidden = !this.hasAttribute(name) || !to;
        if (to) link.href = to;
        link.textContent = words[name];
        link.setAttribute("aria-label", words[name] + words.opens);
      }
      parts.exit.textContent = words.exit;
      parts.exit.hidden = !this.hasAttribute("companion") || this.#left;
      if (this.#use) this.#counted(this.#use);
    }

    #counted(said) {
      this.#use = said;
      const seconds = Object.fromEntries(said.split(";").map((one) => one.trim().split("=")));
      const words = this.#words();
      const time = (s) => {
        const minutes = Math.floor(Number(s) / 60) || 0;
        const shape = minutes < 60 ? words.minutes : words.hours;
        return shape.replace("{h}", Math.floor(minutes / 60)).replace("{m}", minutes % 60);
      };
      this.#parts.use.textContent = words.use.replace("{c}", time(seconds.continuous)).replace("{d}", time(seconds.today));
      this.#parts.use.hidden = false;
    }

    #tell(text) {
      this.#parts.told.hidden = false;
      this.#parts.told.textContent = text;
    }

    // ------------------------------------------------------------ leaving, and whoever is to look after somebody
    #leave() {
      if (this.#left) return;
      this.#left = true;
      this.#waiting = [];
      this.#parts.dialog.close();
      this.#parts.exit.hidden = true;
      this.#tell(this.#words().left);
      this.#told("guiju-exit");
    }

    #contact() {  // only whom the person registered for this, without content; and the person is told
      if (!this.hasAttribute("contact")) return;
      this.#tell(this.#words().contact);
      this.#told("guiju-contact");
    }

    #told(name, detail) {
      this.dispatchEvent(new CustomEvent(name, { bubbles: true, composed: true, detail }));
    }

    // ------------------------------------------------------------ dialogues, one after the other
    #rest(text) {
      const words = this.#words();
      this.#ask(words.restTitle, [made("p", text)], [
        [words.rest, () => this.#told("guiju-rest")],
        [words.go, () => undefined],
      ]);
    }

    #broken(text, until) {
      const words = this.#words(), said = [made("p", text)];
      if (until) {
        const time = new Intl.DateTimeFormat(words === WORDS.zh ? "zh-CN" : "en", { dateStyle: "medium", timeStyle: "short" });
        said.push(made("p", words.until.replace("{t}", time.format(new Date(until * 1000)))));
      }
      this.#ask(words.breakTitle, said, [[words.ok, () => this.#told("guiju-rest")]]);
    }

    async #unread(id, version) {
      const mark = `guiju-notice ${id}`;
      if (this.#asked.has(`${id}=${version}`)) return;
      if (this.hasAttribute("remember") && localStorage.getItem(mark) === version) return;
      this.#asked.add(`${id}=${version}`);
      const text = await this.#text(id, version);
      if (!text) {
        this.#asked.delete(`${id}=${version}`);
        return;
      }
      const language = this.#words() === WORDS.zh ? "zh" : "en", words = this.#words();
      const points = made("ul");
      points.append(...text.points.map((one) => made("li", one[language])));
      const problem = made("p", "", "problem");
      problem.setAttribute("role", "alert");
      this.#ask(text.title[language], [points, problem], [
        [words.accept, async () => {
          if (await this.#accepted(id, version)) {
            if (this.hasAttribute("remember")) localStorage.setItem(mark, version);
            this.#told("guiju-accept", { text: id, version });
            return true;
          }
          problem.textContent = words.failed;
          return false;
        }],
        [words.later, () => undefined],
      ]);
    }

    async #text(id, version) {
      const at = web(this.getAttribute("notices") || "");
      if (!at) return null;
      try {
        if (!this.#pages || !this.#pages.some((one) => one.id === id && one.version === version)) {
          const answer = await fetch(at, { headers: { accept: "application/json" } });
          this.#pages = answer.ok ? (await answer.json()).texts : null;
        }
      } catch {
        this.#pages = null;
      }
      return (this.#pages || []).find((one) => one.id === id && one.version === version) || null;
    }

    async #accepted(id, version) {
      const at = web(this.getAttribute("accept") || "");
      if (!at) return true;  // the application listens to `guiju-accept`
      try {
        const body = JSON.stringify({ text: id, version });
        return (await fetch(at, { method: "POST", headers: { "content-type": "application/json" }, body })).ok;
      } catch {
        return false;
      }
    }

    #ask(title, said, acts) {
      if (this.#left) return;
      this.#waiting.push([title, said, acts]);
      if (!this.#parts.dialog.open) this.#next();
    }

    #next() {
      const dialog = this.#parts.dialog, asked = this.#waiting.shift();
      if (!asked || !this.isConnected) return;
      const [title, said, acts] = asked, head = made("h2", title), row = made("div", "", "acts");
      head.id = "title";
      acts.forEach(([text, act], index) => {
        const button = made("button", text, index ? "" : "first");
        button.type = "button";
        button.addEventListener("click", async () => {
          if ((await act()) !== false) dialog.close();
        });
        row.append(button);
      });
      dialog.setAttribute("aria-labelledby", "title");
      dialog.replaceChildren(head, ...said, row);
      dialog.showModal();
    }
  }

  if (!customElements.get("guiju-panel")) customElements.define("guiju-panel", Panel);
})();
