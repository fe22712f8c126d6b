// Keys of one letter, which a dialog lists and whoever dictates can switch off.
const dialog = document.getElementById("keys");
const wanted = document.getElementById("keys-wanted");
const opener = document.querySelector("[data-keys]");
let going = 0;

// Where the browser keeps nothing for pages, the keys are on.
function stored(value) {
  try {
    if (value !== undefined) localStorage.setItem("keys", value);
    return localStorage.getItem("keys");
  } catch {
    return null;
  }
}

// `g` and a letter open a place of the navigation; `/` goes to the search, `?` shows the list.
function pressed(key) {
  if (Date.now() - going < 1500) {
    going = 0;
    document.querySelector(`[data-key="${CSS.escape(key)}"]`)?.click();
    return;
  }
  if (key === "g") going = Date.now();
  if (key === "?") dialog.showModal();
  const search = document.querySelector("[data-search]");
  if (key === "/" && search) {
    search.focus();
    search.select();
  }
}

if (dialog) {
  opener.parentElement.hidden = false;
  opener.addEventListener("click", () => dialog.showModal());
  wanted.checked = stored() !== "off";
  wanted.addEventListener("change", () => stored(wanted.checked ? "on" : "off"));
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, select, textarea, dialog, [contenteditable]");
    if (typing || event.ctrlKey || event.metaKey || event.altKey || !wanted.checked) return;
    if (event.key === "/" || event.key === "?") event.preventDefault();
    pressed(event.key);
  });
}
