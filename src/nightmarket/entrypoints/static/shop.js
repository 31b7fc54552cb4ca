// What pages gain with script. Everything works without it.
"use strict";

document.documentElement.classList.add("scripted");

// The summary of what is wrong in a form is what the reader must hear first.
function takeFocus(root) {
  root.querySelector("[data-take-focus]")?.focus();
}

// Steppers are heard at the document, so that those that htmx brings work too.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-stepper] button[data-step]");
  if (!button) return;
  const input = button.closest("[data-stepper]").querySelector("input");
  const least = Number(input.min) || 0;
  const next = Math.max(least, (Number(input.value) || 0) + Number(button.dataset.step));
  input.value = String(Math.min(next, Number(input.max) || next));
  input.dispatchEvent(new Event("change", { bubbles: true }));
});

// Counts by the server's clock: the page says what time it was there when it was made. At zero it says what has begun,
// and asks for what is new on the page; nobody has to load it again.
function countDown(clock) {
  const shown = clock.querySelector("[data-countdown-time]");
  const offset = Number(clock.dataset.now) - Date.now();
  const until = Number(clock.dataset.countdown);
  const two = (value) => String(value).padStart(2, "0");
  const tick = () => {
    if (!clock.isConnected) return;
    const missing = until - Date.now() - offset;
    const seconds = Math.max(0, Math.ceil(missing / 1000));
    const days = clock.dataset.days ? Math.floor(seconds / 86400) : 0;
    const hours = Math.floor(seconds / 3600) - 24 * days;
    const time = [hours, Math.floor(seconds / 60) % 60, seconds % 60].map(two).join(":");
    shown.textContent = days ? `${clock.dataset.days.replace("{}", days)} ${time}` : time;
    if (missing <= 0) open();
    else window.setTimeout(tick, Math.min(1000, missing - Math.floor((missing - 1) / 1000) * 1000));
  };
  const open = () => {
    clock.querySelector("[data-countdown-before]").hidden = true;
    clock.querySelector("[data-countdown-open]").hidden = false;
    const news = clock.querySelector("[data-countdown-news]");
    if (news) news.textContent = news.dataset.countdownNews;
    if ("renewAtZero" in clock.dataset) document.dispatchEvent(new CustomEvent("nightmarket:renew"));
  };
  tick();
}

// What was chosen before scripts could hear of it, or what the browser put back, is reckoned with too.
window.addEventListener("load", () => {
  const chosen = (field) => field.checked ?? field.value;
  const written = (field) => field.defaultChecked ?? field.querySelector("[selected]")?.value ?? field.value;
  const fields = [...document.querySelectorAll('#checkout [hx-target="#bill"]')];
  const changed = fields.find((field) => chosen(field) !== written(field));
  changed?.dispatchEvent(new Event("change", { bubbles: true }));
});

// One payment per press: a second press while the first is under way does nothing.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.hasAttribute("data-once")) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "1";
});

window.addEventListener("pageshow", (event) => {
  if (event.persisted) document.querySelectorAll("[data-sent]").forEach((form) => delete form.dataset.sent);
});

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// What htmx could not do must not pass in silence; a poll that fails is tried again by itself.
for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, (event) => {
    const trouble = document.getElementById("trouble");
    if (!trouble || event.detail.requestConfig?.verb === "get") return;
    trouble.hidden = false;
    trouble.scrollIntoView({ block: "nearest" });
  });
}

// Parts of the page that live.js has asked for anew.
document.addEventListener("nightmarket:renewed", (event) => {
  event.target.querySelectorAll("[data-countdown]").forEach(countDown);
});

document.addEventListener("htmx:afterOnLoad", () => {
  const trouble = document.getElementById("trouble");
  if (trouble) trouble.hidden = true;
});

document.addEventListener("DOMContentLoaded", () => {
  takeFocus(document);
  document.querySelectorAll("[data-countdown]").forEach(countDown);
});
