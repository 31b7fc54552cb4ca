// Waits with the visitor: asks how far the queue is, says it now and then, and loads the page when it is their turn.
"use strict";

(() => {
  const main = document.querySelector("[data-room]");
  if (!main) return;
  const { room, lane, state } = main.dataset;
  const SAY_EVERY = 60_000;
  const language = document.documentElement.lang || "en";
  const number = new Intl.NumberFormat(language);
  const opensAt = performance.now() + Number(main.dataset.opensIn);
  let place = Number(main.dataset.place);
  let ahead = Number(main.dataset.ahead);
  let served = Number(main.dataset.served);
  let first = Number.NaN;
  let told = "";
  let toldAt = -SAY_EVERY;
  let left = false;

  const show = (id, text) => {
    const found = document.getElementById(id);
    if (found && found.textContent !== text) found.textContent = text;
  };

  const hide = (what, hidden) => {
    for (const found of document.querySelectorAll(what)) found.hidden = hidden;
  };

  const unit = (amount, name) => new Intl.NumberFormat(language, { style: "unit", unit: name, unitDisplay: "long" }).format(amount);

  function span(seconds) {
    if (seconds < 60) return lane === "known" ? main.dataset.short : unit(Math.floor(seconds) + 1, "second");
    return seconds < 7_200 ? unit(Math.ceil(seconds / 60), "minute") : unit(Math.ceil(seconds / 1_800) / 2, "hour");
  }

  // Screen readers hear of it once a minute, and at once when it is their turn.
  function say(text, now = false) {
    const at = performance.now();
    if (!now && (at - toldAt < SAY_EVERY || text === told)) return;
    toldAt = at;
    told = text;
    show("gate-said", text);
  }

  function again(after) {
    if (left) return;
    left = true;
    window.setTimeout(() => window.location.reload(), after);
  }

  function labelled(id) {
    const found = document.getElementById(id);
    return found ? `${found.previousElementSibling.textContent}: ${found.textContent}` : "";
  }

  function tell(now) {
    const called = lane === "known" ? now.known : now.guests;
    if (now.state === "free" || now.state === "over") return again(Math.random() * 2_000);
    if (called >= place) {
      say(main.dataset.turn, true);
      return again(Math.random() * 500);
    }
    // A guest also waits for those in front, whom only the server counts: what it said shrinks as they come in.
    const front = lane === "known" ? 0 : Math.max(0, ahead - (place - 1 - served) - (now.known - first));
    const before = Math.max(0, place - called - 1) + front;
    const seconds = now.rate > 0 ? (before + 1) / now.rate : null;
    const words = seconds === null ? main.dataset.still : span(seconds);
    const plain = seconds === null || (seconds < 60 && lane === "known");
    show("gate-ahead", number.format(before));
    show("gate-wait", plain ? words : main.dataset[lane === "known" ? "about" : "least"].replace("{}", words));
    const bar = document.getElementById("gate-bar");
    if (bar) bar.value = Math.max(0, place - before - 1);
    say(`${labelled("gate-ahead")}. ${labelled("gate-wait")}`);
    return wait(seconds === null ? 10 : seconds);
  }

  // Far from one's turn it is enough to ask seldom; near it, every second or two. Never all at once.
  function wait(seconds) {
    const pause = Math.min(30, Math.max(1, seconds / 5));
    window.setTimeout(ask, pause * (800 + Math.random() * 400));
  }

  async function ask() {
    if (left) return;
    try {
      const answer = await fetch(`${room}/now`, { credentials: "omit" });
      if (!answer.ok) return wait(answer.status === 404 ? 30 : 10);
      const now = await answer.json();
      hide("[data-early]", now.drawn);
      hide("[data-late]", !now.drawn);
      hide("#gate-paused", now.state !== "paused");
      if (!place) return now.drawn ? drawn(now) : wait(2);
      if (Number.isNaN(first)) first = now.known;
      return tell(now);
    } catch {
      return wait(10);
    }
  }

  // Places are known now. Each browser asks for its own once, spread over some seconds, and counts it down from there.
  function drawn(now) {
    served = lane === "known" ? now.known : now.guests;
    first = now.known;
    window.setTimeout(learn, Math.random() * 1_000 * Number(main.dataset.spread));
  }

  async function learn() {
    try {
      const answer = await fetch(`${room}/place`);
      if (!answer.ok) return again(5_000 + Math.random() * 5_000);
      const found = await answer.json();
      if (!found.place) return wait(2);
      ({ place, ahead } = found);
      show("gate-place", number.format(place));
      const bar = document.getElementById("gate-bar");
      if (bar) bar.max = place;
      document.getElementById("gate-before").hidden = true;
      document.getElementById("gate-line").hidden = false;
      return ask();
    } catch {
      return wait(5);
    }
  }

  function clock() {
    const seconds = Math.max(0, Math.ceil((opensAt - performance.now()) / 1_000));
    const parts = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60].map((part) => String(part).padStart(2, "0"));
    show("gate-clock", parts.join(":"));
    if (seconds > 0) window.setTimeout(clock, 1_000);
    else window.setTimeout(ask, 500 + Math.random() * 1_500);
  }

  if (state === "gathering") clock();
  else if (state !== "used") wait(1);
})();
