// Counts down by the server's clock, on every page. The page carries the server's instants; how far the visitor's clock is
// off is asked once in a while, so that pages which are kept for everyone can stay as they are.
"use strict";

(() => {
  const KNOWN = "nightmarket-clock";
  const GOOD_FOR = 600_000;
  const two = (value) => String(value).padStart(2, "0");
  let offset = 0;

  // Half of the way there and back is when the server looked at its clock. A page as of another instant asks each time.
  async function ask() {
    const frozen = Boolean(document.querySelector("[data-as-of]"));
    try {
      const known = frozen ? null : JSON.parse(sessionStorage.getItem(KNOWN));
      if (known && Math.abs(Date.now() - known.at) < GOOD_FOR) return known.offset;
    } catch {
      // nothing is kept: asked again
    }
    const before = performance.now();
    const answer = await fetch("/festival/now", { cache: "no-store", credentials: "same-origin" });
    if (!answer.ok) return offset;
    const { now } = await answer.json();
    const found = now + (performance.now() - before) / 2 - Date.now();
    try {
      if (!frozen) sessionStorage.setItem(KNOWN, JSON.stringify({ offset: found, at: Date.now() }));
    } catch {
      // a browser that keeps nothing asks on each page
    }
    return found;
  }

  function words(seconds, clock) {
    const days = clock.dataset.days ? Math.floor(seconds / 86_400) : 0;
    const hours = Math.floor(seconds / 3_600) - 24 * days;
    const time = [hours, Math.floor(seconds / 60) % 60, seconds % 60].map(two).join(":");
    return days ? `${clock.dataset.days.replace("{}", days)} ${time}` : time;
  }

  function zero(clock) {
    for (const part of clock.querySelectorAll("[data-festival-before]")) part.hidden = true;
    for (const part of clock.querySelectorAll("[data-festival-after]")) part.hidden = false;
    if ("festivalRenews" in clock.dataset) {
      window.setTimeout(() => document.dispatchEvent(new CustomEvent("nightmarket:renew")), 500 + Math.random() * 2_000);
    }
  }

  function count(clock) {
    const until = Number(clock.dataset.festivalUntil);
    const shown = clock.querySelector("[data-festival-time]");
    const tick = () => {
      if (!clock.isConnected) return;
      const missing = until - Date.now() - offset;
      if (shown) shown.textContent = words(Math.max(0, Math.ceil(missing / 1_000)), clock);
      if (missing <= 0) zero(clock);
      else window.setTimeout(tick, Math.min(1_000, missing - Math.floor((missing - 1) / 1_000) * 1_000));
    };
    tick();
  }

  async function start(root) {
    const clocks = root.querySelectorAll("[data-festival-until]");
    if (!clocks.length) return;
    offset = await ask().catch(() => offset);
    clocks.forEach(count);
  }

  document.addEventListener("nightmarket:renewed", (event) => start(event.target));
  start(document);
})();
