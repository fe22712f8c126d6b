// What pages do beyond HTML. Everything works without it.
"use strict";

// A form is sent once, however often its button is pressed.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  form.setAttribute("aria-busy", "true");
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    form.removeAttribute("aria-busy");
  }
});

// Numbers that look again by themselves wait while one of their buttons is being pressed, or their
// text is selected: what is under the hand must not be exchanged.
let pressed = false;
document.addEventListener("pointerdown", () => { pressed = true; });
for (const name of ["pointerup", "pointercancel"]) {
  document.addEventListener(name, () => { pressed = false; });
}
document.addEventListener("htmx:beforeSwap", (event) => {
  const part = event.detail.target;
  if (!part.hasAttribute("data-looks-again")) return;
  const chosen = getSelection();
  const reading = !chosen.isCollapsed && part.contains(chosen.anchorNode);
  if (pressed || reading) event.detail.shouldSwap = false;
});

// The drop zone: shows what was chosen, and stops what is too large before it is sent.
for (const zone of document.querySelectorAll("[data-drop]")) {
  const input = zone.querySelector("input[type=file]");
  const said = zone.querySelector("[data-chosen]");
  const limit = Number(zone.dataset.limit);
  const look = () => {
    const file = input.files[0];
    if (!file) return;
    const large = file.size > limit;
    input.setCustomValidity(large ? `This file is too large: at most ${zone.dataset.words}.` : "");
    said.textContent = large
      ? `${file.name} is too large: at most ${zone.dataset.words}. Split it, or ask the operator.`
      : `Chosen: ${file.name}`;
    said.classList.toggle("fault", large);
  };
  input.addEventListener("change", look);
  for (const name of ["dragenter", "dragover"]) {
    zone.addEventListener(name, (event) => {
      event.preventDefault();
      zone.classList.add("over");
    });
  }
  for (const name of ["dragleave", "drop"]) {
    zone.addEventListener(name, () => zone.classList.remove("over"));
  }
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    input.files = event.dataTransfer.files;
    look();
  });
}

// On narrow screens the navigation is one line: it begins where the page stands in it.
for (const nav of document.querySelectorAll(".top nav, .subjects")) {
  const here = nav.querySelector("[aria-current]");
  if (here) nav.scrollLeft = here.offsetLeft - nav.offsetLeft - nav.clientWidth / 3;
}

// Escape closes what was opened around the focus, and gives the focus back to what opens it.
document.addEventListener("keydown", (event) => {
  const opened = event.target.closest("details[open]");
  if (event.key !== "Escape" || !opened) return;
  opened.open = false;
  opened.querySelector("summary").focus();
});

// A secret is copied with one press where the browser lets pages copy; else it is marked.
for (const button of document.querySelectorAll("[data-copy]")) {
  const input = document.getElementById(button.dataset.copy);
  button.hidden = false;
  input.addEventListener("focus", () => input.select());
  button.addEventListener("click", async () => {
    input.select();
    try {
      await navigator.clipboard.writeText(input.value);
      button.textContent = "Copied";
      button.nextElementSibling.textContent = "Copied.";
    } catch {
      input.focus();
      button.nextElementSibling.textContent = "Marked: copy it with the keyboard.";
    }
  });
}
