// What a product's page gains with script: thumbnails that follow, a large view, and choices without a new page.
"use strict";

(() => {
  const gallery = () => document.querySelector("[data-gallery]");
  const track = () => gallery()?.querySelector(".gallery-track");
  const zoom = () => document.getElementById("zoom");
  let shown = 0;

  function goTo(place) {
    const one = track()?.children[place];
    if (one) track().scrollTo({ left: one.offsetLeft - track().offsetLeft });
  }

  function mark() {
    const width = track()?.clientWidth;
    if (!width) return;
    const place = Math.round(track().scrollLeft / width);
    gallery().querySelectorAll(".thumb").forEach((thumb, number) => {
      if (number === place) thumb.setAttribute("aria-current", "true");
      else thumb.removeAttribute("aria-current");
    });
  }

  function pictures() {
    return [...(gallery()?.querySelectorAll("[data-zoom]") ?? [])];
  }

  function enlarge(place) {
    const all = pictures();
    shown = (place + all.length) % all.length;
    const large = zoom().querySelector(".zoom-picture");
    large.src = all[shown].href;
    large.alt = all[shown].getAttribute("aria-label") || "";
    zoom().classList.toggle("single", all.length < 2);
    if (!zoom().open) zoom().showModal();
  }

  document.addEventListener("click", async (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    const thumb = event.target.closest(".thumb");
    if (thumb) {
      event.preventDefault();
      goTo([...gallery().querySelectorAll(".thumb")].indexOf(thumb));
      return;
    }
    const large = event.target.closest("[data-zoom]");
    if (large && zoom()) {
      event.preventDefault();
      enlarge(Number(large.dataset.zoom));
      return;
    }
    const step = event.target.closest("[data-zoom-step]");
    if (step) enlarge(shown + Number(step.dataset.zoomStep));
    if (event.target === zoom()) zoom().close();
    const choice = event.target.closest("[data-choose]");
    if (choice) {
      event.preventDefault();
      if (await window.nightmarket.show(choice.href)) window.history.replaceState(null, "", choice.href);
      else window.location.assign(choice.href);
    }
  });

  document.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    if (zoom()?.open) {
      enlarge(shown + by);
      event.preventDefault();
    } else if (event.target === track()) {
      goTo(Math.round(track().scrollLeft / track().clientWidth) + by);
      event.preventDefault();
    }
  });

  document.addEventListener("scroll", (event) => {
    if (event.target === track()) window.requestAnimationFrame(mark);
  }, true);
})();
