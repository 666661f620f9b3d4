// SPDX-License-Identifier: Apache-2.0
// Shortcuts of the console. Nothing fires while an input method composes, while something is typed, or when they are off.
"use strict";
(() => {
  document.documentElement.classList.add("scripted");
  // Where the navigation is wider than the screen, the page that is open must be in sight.
  const here = document.querySelector(".top nav [aria-current]"), bar = here && here.closest("nav");
  if (bar) bar.scrollLeft = here.offsetLeft - bar.offsetLeft - (bar.clientWidth - here.offsetWidth) / 2;
  const KEY = "guiju-shortcuts";
  const off = () => localStorage.getItem(KEY) === "off";
  const on = document.getElementById("shortcuts-on");
  if (on) {
    on.checked = !off();
    on.addEventListener("change", () => localStorage.setItem(KEY, on.checked ? "on" : "off"));
  }

  // The key that ends a composition comes before its end in some browsers and after it in others: the mark is taken away
  // only once what is queued has been handled.
  let composing = false;
  document.addEventListener("compositionstart", () => { composing = true; });
  document.addEventListener("compositionend", () => { setTimeout(() => { composing = false; }, 0); });

  const typing = (one) => one.isContentEditable || /^(input|textarea|select)$/i.test(one.tagName) && one.type !== "checkbox" && one.type !== "radio";
  const rows = () => [...document.querySelectorAll("[data-list] [data-row]")];
  let at = -1;
  const move = (step) => {
    const all = rows();
    if (all.length === 0) return;
    at = Math.min(all.length - 1, Math.max(0, at + step));
    all.forEach((row, number) => row.classList.toggle("here", number === at));
    (all[at].querySelector(".open") || all[at]).focus();
  };
  const press = (selector) => {
    const one = document.querySelector(selector);
    if (!one) return false;
    one.click();
    return true;
  };
  const base = new URL(document.currentScript.src).pathname.split("/static/")[0];
  const go = { b: "/console", c: "/console/cases", e: "/console/evidence", d: "/console/d", t: "/console/try" };

  let before = "";
  const act = (event) => {
    const key = event.key;
    if (before === "g" && go[key]) {
      before = "";
      const link = document.querySelector(`.top nav a[href="${base}${go[key]}"]`);
      if (link) link.click();
      return true;
    }
    before = key === "g" ? "g" : "";
    if (key === "j") { move(1); return true; }
    if (key === "k") { move(-1); return true; }
    if (key === "?") { location.href = base + "/console/help/shortcuts"; return true; }
    if (key === "/") {
      const field = document.querySelector("[role=search] input, input[type=search]");
      if (field) field.focus();
      return Boolean(field);
    }
    return press(`[data-key="${CSS.escape(key)}"]`);
  };

  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.keyCode === 229 || composing || off()) return;
    if ((event.ctrlKey || event.metaKey) && event.key === "Enter") {
      const form = event.target.closest("form") || document.querySelector("form[data-send]");
      if (form && form.dataset.send !== undefined) { event.preventDefault(); form.requestSubmit(); }
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (act(event)) event.preventDefault();
  });

  // Pictures are veiled until they are asked for, and every page begins veiled.
  const unveil = document.getElementById("unveil");
  if (unveil) unveil.addEventListener("click", () => document.documentElement.classList.toggle("unveiled"));

  // An open menu closes with Escape and with a click elsewhere.
  const menus = () => document.querySelectorAll("details.menu[open]");
  document.addEventListener("click", (event) => { menus().forEach((one) => { if (!one.contains(event.target)) one.open = false; }); });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    menus().forEach((one) => { one.open = false; one.querySelector("summary").focus(); });
  });

  // How far a build is; the page is made anew once it has ended.
  const build = document.querySelector("[data-progress]");
  const look = async () => {
    const answer = await fetch(build.dataset.progress, { headers: { accept: "application/json" } }).catch(() => null);
    const said = answer && answer.ok ? await answer.json() : null;
    if (said && said.state !== "runs") { location.reload(); return; }
    if (said && said.of) {
      const far = build.querySelector("progress");
      far.max = said.of;
      far.value = said.done;
      build.querySelector("[role=status]").textContent = `${said.done} / ${said.of}`;
    }
    setTimeout(look, 2000);
  };
  if (build) setTimeout(look, 1000);
})();
