// What the console gains with script: it says whether it is live, can be paused, and obeys the keyboard.
"use strict";

document.addEventListener("htmx:sseOpen", () => showLive(true));
document.addEventListener("htmx:sseError", () => showLive(false));

function showLive(isLive) {
  for (const sign of document.querySelectorAll(".live")) {
    sign.classList.toggle("is-live", isLive);
    sign.classList.toggle("is-lost", !isLive);
    sign.querySelector("[data-live]").textContent = isLive ? sign.dataset.liveWords : sign.dataset.lostWords;
  }
}

// A paused list keeps what it shows; what happens meanwhile is fetched when it goes on.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-pause]");
  if (!button) return;
  const paused = button.getAttribute("aria-pressed") !== "true";
  const words = button.querySelector("span");
  button.dataset.pauseWords ??= words.textContent;
  button.setAttribute("aria-pressed", String(paused));
  words.textContent = paused ? button.dataset.goWords : button.dataset.pauseWords;
  if (!paused && button.dataset.missed) window.location.reload();
});

document.addEventListener("htmx:sseBeforeMessage", (event) => {
  const button = document.querySelector(`[data-pause="${event.target.id}"][aria-pressed="true"]`);
  if (!button) return;
  event.preventDefault();
  button.dataset.missed = "1";
});

// A live list stays bounded, however long it is watched.
document.addEventListener("htmx:sseMessage", (event) => {
  const limit = Number(event.target.dataset?.rowsLimit);
  if (limit) while (event.target.rows.length > limit) event.target.deleteRow(-1);
});

// One box selects all rows; choosing some shows in it.
document.addEventListener("change", (event) => {
  const form = event.target.closest("form");
  const all = form?.querySelector("[data-select-all]");
  if (!all) return;
  const boxes = [...form.querySelectorAll("[data-select]")];
  if (event.target === all) for (const box of boxes) box.checked = all.checked;
  const chosen = boxes.filter((box) => box.checked).length;
  all.checked = chosen === boxes.length;
  all.indeterminate = chosen > 0 && chosen < boxes.length;
});

// Keys: / to search, j and k along the rows, Enter to open, Escape to leave the row.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, select, textarea, [contenteditable]")) return;
  const find = document.querySelector("[data-find]");
  if (event.key === "/" && find) {
    event.preventDefault();
    find.focus();
    find.select();
  }
  if (event.key === "j" || event.key === "k") move(event.key === "j" ? 1 : -1);
});

function move(step) {
  const links = [...document.querySelectorAll("[data-rows] tbody tr")].map((row) => row.querySelector("a")).filter(Boolean);
  if (!links.length) return;
  const at = links.indexOf(document.activeElement);
  const next = at === -1 ? (step > 0 ? 0 : links.length - 1) : Math.min(Math.max(at + step, 0), links.length - 1);
  links[next].focus();
}
