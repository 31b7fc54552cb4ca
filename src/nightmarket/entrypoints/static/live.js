// Keeps what a page says of stock true while it is open, and asks for its parts again when prices change.
"use strict";

(() => {
  const RETRY = 20_000;
  const SPREAD = 1_500;
  const AGAIN = 1_000;
  const TRIES = 3;
  let stream = null;
  let watched = "";
  let retry = 0;
  let renewing = false;

  const places = (id) => document.querySelectorAll(`[data-stock="${id}"]`);
  const owners = (id) => document.querySelectorAll(`[data-stock-of="${id}"]`);

  // What is on the page now: products and variants whose stock it shows.
  function things() {
    const ids = [...document.querySelectorAll("[data-stock], [data-stock-of]")].map((one) => one.dataset.stock || one.dataset.stockOf);
    return [...new Set(ids)].filter(Boolean).slice(0, 150).join(",");
  }

  // Words are ours, rendered by the server from numbers alone.
  function tell(id, news) {
    for (const place of places(id)) {
      const words = news.words[place.dataset.style] || "";
      if (place.innerHTML.trim() !== words) place.innerHTML = words;
    }
    let shapeChanged = false;
    for (const owner of owners(id)) {
      const was = owner.classList.contains("is-out") || Boolean(owner.querySelector("input:disabled"));
      owner.classList.toggle("is-out", news.out);
      for (const button of owner.querySelectorAll("form > button")) button.disabled = news.out;
      if ("shape" in owner.dataset && (owner.dataset.known ?? String(was)) !== String(news.out)) shapeChanged = true;
      owner.dataset.known = String(news.out);
    }
    return shapeChanged;
  }

  function announce(id) {
    const region = document.getElementById("stock-news");
    const title = document.querySelector(`[data-stock-of="${id}"] h3, main h1`);
    if (region && title) region.textContent = region.dataset.gone.replace("{}", title.textContent.trim());
  }

  function onStock(event) {
    let shapeChanged = false;
    for (const [id, news] of Object.entries(JSON.parse(event.data))) {
      const before = [...owners(id)].some((owner) => owner.dataset.known === "false");
      shapeChanged = tell(id, news) || shapeChanged;
      if (before && news.out && !id.startsWith("off_")) announce(id);
    }
    if (shapeChanged) renew();
  }

  // When a page began to be made: what changed later the stream tells at once.
  const mark = (page) => page.querySelector('meta[name="nightmarket:made"]');

  // Fetch the page once more and put its parts in, keeping what was typed, chosen and focused. One that comes as it was
  // was kept by a process that has not heard the news yet.
  async function renew(tries = TRIES) {
    if (renewing || !document.querySelector("[data-renew]")) return;
    renewing = true;
    const before = mark(document)?.content;
    try {
      await new Promise((done) => window.setTimeout(done, 100 + Math.random() * 200));
      await window.nightmarket.show(window.location.href);
    } finally {
      renewing = false;
    }
    if (tries > 1 && mark(document)?.content === before) window.setTimeout(() => renew(tries - 1), AGAIN);
  }

  function typed(root) {
    return [...root.querySelectorAll("input[name]:not([type=hidden])")].map((one) => [one.name, one.type, one.value, one.checked]);
  }

  // What was chosen and is gone leaves nothing chosen: nobody is given another thing than the one they wanted.
  function unchoose(root, name) {
    for (const one of root.querySelectorAll(`input[type="radio"][name="${name}"]`)) {
      one.checked = false;
      one.required = true;
    }
  }

  function putBack(root, fields) {
    const picked = new Set(fields.filter(([, type, , checked]) => type === "radio" && checked).map(([name]) => name));
    for (const [name, type, value, checked] of fields) {
      for (const one of root.querySelectorAll(`input[name="${name}"]`)) {
        if (type === "radio") {
          if (checked && one.value === value && !one.disabled) one.checked = true;
          else if (checked ? one.value === value : one.checked && !picked.has(name)) unchoose(root, name);
        } else if (one.type === type) one.value = value;
      }
    }
  }

  // What the visitor is in the middle of, or was just answered, moves into the fresh part as it is.
  function keep(old, fresh) {
    for (const kept of old.querySelectorAll("[data-keep]")) {
      fresh.querySelector(`[data-keep="${kept.dataset.keep}"]`)?.replaceWith(kept);
    }
  }

  // Shows the renewable parts of a page of ours, and its title; false if it could not be had.
  async function show(address) {
    const answer = await fetch(address, { headers: { accept: "text/html" }, credentials: "same-origin" }).catch(() => null);
    if (!answer || !answer.ok) return false;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const focused = document.activeElement?.id;
    for (const old of document.querySelectorAll("[data-renew]")) {
      const fresh = page.getElementById(old.id);
      if (!fresh) continue;
      putBack(fresh, typed(old));
      keep(old, fresh);
      old.replaceWith(fresh);
      window.htmx?.process(fresh);
      fresh.dispatchEvent(new CustomEvent("nightmarket:renewed", { bubbles: true }));
    }
    document.title = page.title;
    if (mark(document) && mark(page)) mark(document).content = mark(page).content;
    if (focused && document.activeElement?.id !== focused) document.getElementById(focused)?.focus({ preventScroll: true });
    follow();
    return true;
  }

  // One stream per page that is looked at: browsers allow few connections, so hidden pages close theirs.
  function follow() {
    const wanted = document.hidden ? "" : things();
    if (wanted === watched && stream) return;
    stop();
    if (!wanted) return;
    watched = wanted;
    stream = new EventSource(`/live/stock?products=${wanted}&since=${mark(document)?.content ?? ""}`);
    stream.addEventListener("stock", onStock);
    stream.addEventListener("renew", () => window.setTimeout(renew, Math.random() * SPREAD));
    stream.addEventListener("error", () => {
      if (stream?.readyState !== EventSource.CLOSED) return;
      stop();
      retry = window.setTimeout(follow, RETRY);
    });
  }

  function stop() {
    window.clearTimeout(retry);
    stream?.close();
    stream = null;
    watched = "";
  }

  window.nightmarket = { show };
  document.addEventListener("nightmarket:renew", () => window.setTimeout(renew, Math.random() * SPREAD));
  document.addEventListener("visibilitychange", follow);
  document.addEventListener("htmx:afterSettle", follow);
  window.addEventListener("pagehide", stop);
  window.addEventListener("pageshow", follow);
})();
