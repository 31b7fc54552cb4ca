// Shows what is pushed to this browser, and leads to the shop when it is pressed. It keeps nothing and answers no page.
"use strict";

self.addEventListener("push", (event) => {
  let told = {};
  try {
    told = event.data ? event.data.json() : {};
  } catch {
    told = {};
  }
  const options = { body: told.body ?? "", tag: told.tag || undefined, data: { url: told.url ?? "/" } };
  event.waitUntil(self.registration.showNotification(told.title || "Nightmarket", options));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const target = new URL(event.notification.data?.url ?? "/", self.location.origin);
  const url = target.origin === self.location.origin ? target.href : self.location.origin;
  event.waitUntil(self.clients.openWindow(url));
});
