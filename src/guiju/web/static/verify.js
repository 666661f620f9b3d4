// SPDX-License-Identifier: Apache-2.0
// Lets a file be dropped on the form, names the one that was chosen, and says at once when it is too large. The form works without it.
"use strict";
(() => {
  const form = document.getElementById("verify");
  const field = document.getElementById("file");
  const drop = document.getElementById("drop");
  const chosen = document.getElementById("chosen");
  const problem = document.getElementById("problem");
  const send = document.getElementById("send");
  const working = document.getElementById("working");
  const most = Number(form.dataset.most);
  form.classList.add("scripted");

  const size = (bytes) =>
    bytes < 1048576 ? `${Math.max(1, Math.round(bytes / 1024))} KiB` : `${(bytes / 1048576).toFixed(1)} MiB`;

  const tell = () => {
    const file = field.files[0];
    chosen.hidden = !file;
    chosen.textContent = file ? `${file.name} (${size(file.size)})` : "";
    const large = Boolean(file) && file.size > most;
    problem.hidden = !large;
    problem.textContent = large ? form.dataset.tooLarge : "";
    send.disabled = large;
  };

  field.addEventListener("change", tell);
  for (const name of ["dragenter", "dragover"]) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  for (const name of ["dragleave", "drop"]) {
    drop.addEventListener(name, () => drop.classList.remove("over"));
  }
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    if (event.dataTransfer.files.length > 0) {
      const one = new DataTransfer();
      one.items.add(event.dataTransfer.files[0]);
      field.files = one.files;
      tell();
      send.focus();
    }
  });
  form.addEventListener("submit", () => {
    send.disabled = true;
    working.textContent = form.dataset.working;
  });
  // Back from the answer: the browser may show the page as it was left.
  window.addEventListener("pageshow", () => {
    working.textContent = "";
    if (!field.files[0] || field.files[0].size <= most) send.disabled = false;
  });
})();
