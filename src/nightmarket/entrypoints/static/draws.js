// Recomputes a published draw, or the fingerprint of a surprise price, from the published text alone.
"use strict";

(() => {
  const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
  const MOST_TICKETS = 100000;
  const AT_ONCE = 500;
  const encoder = new TextEncoder();

  const hexOf = (bytes) => Array.from(bytes, (one) => one.toString(16).padStart(2, "0")).join("");
  const bytesOf = (hex) => Uint8Array.from(hex.match(/../g) || [], (pair) => Number.parseInt(pair, 16));
  const sha256 = async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));

  // The 16 bytes behind dtk_ and 26 letters of Crockford's base 32.
  const ticketBytes = (ticket) => {
    let number = 0n;
    for (const letter of ticket.slice(4)) number = number * 32n + BigInt(ALPHABET.indexOf(letter));
    return bytesOf(number.toString(16).padStart(32, "0"));
  };

  const joined = (parts) => {
    const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  };

  const read = (text) => {
    const draw = { head: {}, tickets: [], won: [] };
    const lines = text.split("\n").filter((line) => line);
    if (lines[0] !== "nightmarket-prizes 1") throw new Error("not a draw");
    for (const line of lines.slice(1)) {
      const at = line.indexOf(" ");
      const [name, value] = [line.slice(0, at), line.slice(at + 1)];
      if (name === "ticket") draw.tickets.push(value);
      else if (name === "won") draw.won.push(value);
      else draw.head[name] ??= value;
    }
    return draw;
  };

  const lotsOf = async (key, tickets) => {
    const hmac = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    const lots = [];
    for (let start = 0; start < tickets.length; start += AT_ONCE) {
      const some = tickets.slice(start, start + AT_ONCE);
      const signed = await Promise.all(some.map((one) => crypto.subtle.sign("HMAC", hmac, one.bytes)));
      signed.forEach((lot, place) => lots.push({ ...some[place], lot: hexOf(new Uint8Array(lot)) }));
    }
    return lots;
  };

  const byLot = (one, other) => (one.lot === other.lot ? (one.id < other.id ? -1 : 1) : one.lot < other.lot ? -1 : 1);

  // What is wrong with a published draw; empty where everything follows.
  const flawsOf = async (text) => {
    const { head, tickets, won } = read(text);
    if (tickets.length > MOST_TICKETS) throw new Error("too many tickets");
    const seed = bytesOf(head.seed);
    const sorted = [...new Set(tickets)].sort().map((id) => ({ id, bytes: ticketBytes(id) }));
    const list = await sha256(joined(sorted.map((one) => one.bytes)));
    const terms = await sha256(encoder.encode(head.terms));
    const flaws = [];
    if (hexOf(await sha256(seed)) !== head["seed-sha256"]) flaws.push("seed-sha256");
    if (hexOf(terms) !== head["terms-sha256"]) flaws.push("terms-sha256");
    if (hexOf(list) !== head["list-sha256"] || sorted.length !== tickets.length) flaws.push("list-sha256");
    const domain = encoder.encode("nightmarket-prizes 1\n");
    const key = await sha256(joined([domain, seed, list, terms, encoder.encode(head.beacon || "")]));
    const prizes = JSON.parse(head.terms).prizes.flatMap((prize) => Array(prize.units).fill(prize.key));
    const drawn = (await lotsOf(key, sorted)).sort(byLot).slice(0, prizes.length);
    drawn.forEach((one, place) => {
      const expected = `${place + 1} ${one.id} ${prizes[place]}`;
      if (won[place] !== expected && flaws.length < 5) flaws.push(`${won[place]} / ${expected}`);
    });
    if (won.length !== drawn.length) flaws.push(`${won.length} / ${drawn.length}`);
    return flaws;
  };

  const wrongSurprise = async (text, commitment) => {
    const computed = hexOf(await sha256(encoder.encode(text)));
    return computed === commitment ? [] : [computed];
  };

  const run = async (button, address, flaws) => {
    const told = button.parentElement.parentElement.querySelector("[data-check-result]");
    if (!globalThis.crypto?.subtle) {
      told.textContent = button.dataset.no;
      return;
    }
    button.disabled = true;
    told.textContent = button.dataset.busy;
    try {
      const answer = await fetch(address, { cache: "no-cache" });
      if (!answer.ok) throw new Error(String(answer.status));
      const found = await flaws(await answer.text());
      told.textContent = found.length ? `${button.dataset.bad} ${found.join("; ")}` : button.dataset.good;
      told.dataset.result = found.length ? "wrong" : "right";
    } catch {
      told.textContent = button.dataset.no;
    }
    button.disabled = false;
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-check-draw], [data-check-surprise]");
    if (!button) return;
    const { checkDraw, checkSurprise, commitment } = button.dataset;
    if (checkDraw) run(button, checkDraw, flawsOf);
    else run(button, checkSurprise, (text) => wrongSurprise(text, commitment));
  });
})();
