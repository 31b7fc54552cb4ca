// Filters answer at once where they stand beside the goods; on a phone they wait for the button.
"use strict";

const BESIDE = window.matchMedia("(min-width: 64rem)");

document.addEventListener("change", (event) => {
  const form = event.target.form;
  if (form?.id !== "filters") return;
  if (event.target.id === "f-sort" || BESIDE.matches) form.requestSubmit();
});

// Fields that say nothing are not sent, so that the address is the short one at once.
document.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.elt.id !== "filters") return;
  for (const [name, value] of [...event.detail.formData.entries()]) {
    if (value === "" || (name === "sort" && value === "relevance")) event.detail.parameters[name] = undefined;
  }
});

// Browsers without ::details-content show the filters beside the goods by opening them.
function standOpen() {
  if (CSS.supports("selector(::details-content)")) return;
  document.querySelectorAll("[data-filters]").forEach((filters) => {
    filters.open = BESIDE.matches;
  });
}

standOpen();
BESIDE.addEventListener("change", standOpen);
document.addEventListener("htmx:afterSwap", standOpen);
