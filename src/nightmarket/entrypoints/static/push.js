// Lets this browser remind its owner. It asks for permission on a press, never by itself.
"use strict";

(() => {
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

  function bytes(words) {
    const plain = atob(words.replace(/-/g, "+").replace(/_/g, "/") + "=".repeat((4 - (words.length % 4)) % 4));
    return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
  }

  async function subscribed(key) {
    if (!("serviceWorker" in navigator) || !("PushManager" in window)) throw new Error("no push here");
    if ((await Notification.requestPermission()) !== "granted") throw new Error("refused");
    await navigator.serviceWorker.register("/push-worker.js", { scope: "/" });
    const worker = await navigator.serviceWorker.ready;
    const known = await worker.pushManager.getSubscription();
    return known ?? worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(key) });
  }

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-push-ask]");
    if (!button || button.dataset.ready) return;
    event.preventDefault();
    const form = button.form;
    const refused = form.querySelector("[data-push-refused]");
    button.disabled = true;
    try {
      const found = await subscribed(form.dataset.push);
      form.elements.endpoint.value = found.endpoint;
      form.elements.p256dh.value = text(found.getKey("p256dh"));
      form.elements.auth.value = text(found.getKey("auth"));
    } catch {
      if (!("pushTwin" in form.dataset)) {
        refused.hidden = false;
        button.disabled = false;
        return;
      }
      form.elements.twin.value = "1"; // the demo's own push service takes the browser's place
    }
    button.disabled = false;
    button.dataset.ready = "1";
    form.requestSubmit(button);
  });
})();
