// Suggestions under the search field: a combobox whose list box shows what may be meant (ARIA 1.2). Without this
// script, or when nothing comes, the field is a plain form.
"use strict";

const SEEK_PAUSE = 150;

function seekField(form) {
  const input = form.querySelector("input[type=search]");
  const list = document.createElement("div");
  const news = document.createElement("p");
  let waiting = 0;
  let asking = null;
  let active = -1;

  list.className = "seek-list";
  list.id = "seek-list";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", form.querySelector("label").textContent);
  list.hidden = true;
  news.className = "unseen";
  news.setAttribute("role", "status");
  form.append(list, news);
  input.setAttribute("role", "combobox");
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-haspopup", "listbox");
  input.setAttribute("aria-controls", list.id);
  input.setAttribute("aria-expanded", "false");

  const options = () => [...list.querySelectorAll("[role=option]")];

  function close() {
    window.clearTimeout(waiting);
    asking?.abort();
    list.hidden = true;
    active = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function mark(place) {
    const all = options();
    all[active]?.setAttribute("aria-selected", "false");
    active = place;
    const chosen = all[place];
    if (!chosen) {
      input.removeAttribute("aria-activedescendant");
      return;
    }
    chosen.setAttribute("aria-selected", "true");
    chosen.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", chosen.id);
  }

  async function ask() {
    const typed = input.value.trim();
    asking?.abort();
    if (!typed) {
      close();
      return;
    }
    asking = new AbortController();
    try {
      const url = `${form.dataset.seek}?q=${encodeURIComponent(typed)}`;
      const answer = await fetch(url, { signal: asking.signal, headers: { "HX-Request": "true" } });
      if (!answer.ok || document.activeElement !== input) return;
      list.innerHTML = await answer.text();
      options().forEach((option, place) => {
        option.id = `seek-option-${place}`;
      });
      active = -1;
      input.removeAttribute("aria-activedescendant");
      list.hidden = options().length === 0;
      input.setAttribute("aria-expanded", String(!list.hidden));
      news.textContent = list.querySelector("[data-said]")?.dataset.said ?? "";
    } catch (error) {
      if (error.name !== "AbortError") close();
    }
  }

  input.addEventListener("input", () => {
    window.clearTimeout(waiting);
    waiting = window.setTimeout(ask, SEEK_PAUSE);
  });

  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const all = options();
    if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      close();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) {
        ask();
      } else {
        // One place beyond either end is the field itself.
        const step = event.key === "ArrowDown" ? 1 : -1;
        mark(((active + 1 + step + all.length + 1) % (all.length + 1)) - 1);
      }
    } else if (event.key === "Enter" && !list.hidden && all[active]) {
      event.preventDefault();
      window.location.assign(all[active].dataset.go);
    } else if (event.key === "Tab") {
      close();
    }
  });

  list.addEventListener("pointerdown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) window.location.assign(option.dataset.go);
  });
  input.addEventListener("blur", close);
  form.addEventListener("submit", (event) => {
    if (!input.value.trim()) event.preventDefault();
    close();
  });
}

document.querySelectorAll("form[data-seek]").forEach(seekField);
