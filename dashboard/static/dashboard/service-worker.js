/* The service worker: it shows what is pushed to this browser, and opens its page on a click. It fetches nothing. */

self.addEventListener("install", () => self.skipWaiting());

self.addEventListener("push", (event) => {
  const { title, link, tag } = event.data.json();
  // The same tag replaces the same message, if it was pushed twice.
  event.waitUntil(self.registration.showNotification(title, { tag, data: { link } }));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(new URL(event.notification.data.link, self.registration.scope).href));
});

/* Shows a page of this site: where it is open already, or else in a new window, so that nothing that is being
   written elsewhere is left. */
async function open(address) {
  if (!address.startsWith(self.registration.scope)) return;
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const page = pages.find((one) => one.url.split("#")[0] === address);
  await (page ? page.focus() : self.clients.openWindow(address));
}
