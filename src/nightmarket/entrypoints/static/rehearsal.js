// A rehearsal while it is played: new values go into the charts that stand there, and at its end the page is loaded again.
"use strict";

document.addEventListener("htmx:afterSettle", () => {
  for (const news of document.querySelectorAll("#rehearsal-data [data-for]")) {
    const title = document.getElementById(`${news.dataset.for}-title`);
    const place = title?.closest("figure")?.querySelector("[data-chart]");
    const words = title?.querySelector(".chart-title");
    if (words) words.textContent = news.dataset.title;
    if (place) place.dataset.chart = news.dataset.values;
  }
});

document.addEventListener("htmx:sseMessage", (event) => {
  if (event.detail?.type === "over") window.location.reload();
});
