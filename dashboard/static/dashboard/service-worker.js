/* The service worker shows messages that are pushed to this browser, and opens their pages on a click. It makes
   no requests, except to tell the site that the browser's subscription has changed. */

self.addEventListener("install", () => self.skipWaiting());

self.addEventListener("push", (event) => {
  const { title, link, tag, takes_back: takesBack } = event.data.json();
  // A message that is pushed twice has the same tag, so it is shown once.
  const show = () => self.registration.showNotification(title, { tag, data: { link } });
  event.waitUntil(takesBack ? takeBack(title, link, tag) : show());
});

/* Replaces a notification by a silent one that says how its request ended. Browsers require that each pushed
   message shows a notification, unless a page of the site is visible; then the notification is just closed. If
   it was closed in this browser before, the silent one is shown only because of that rule, and closed again. */
async function takeBack(title, link, tag) {
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const isInView = pages.some((page) => page.visibilityState === "visible");
  const isShown = (await self.registration.getNotifications({ tag })).length > 0;
  const data = { link, isOver: true };
  if (!isInView) await self.registration.showNotification(title, { tag, silent: true, data });
  if (isShown && !isInView) return;
  for (const one of await self.registration.getNotifications({ tag })) one.close();
}

/* The browser's push service has changed or ended the subscription. */
self.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(renew(event.newSubscription)));

/** Send the site the new subscription, as the form of the profile page does. */
async function renew(made) {
  const address = new URL(self.location).searchParams.get("browsers");
  const answer = address && (await fetch(address, { headers: { Accept: "application/json" } }));
  if (!answer?.ok || answer.redirected) return;
  const { key, token } = await answer.json();
  const options = { userVisibleOnly: true, applicationServerKey: key };
  const subscription = made ?? (await self.registration.pushManager.subscribe(options));
  const body = new URLSearchParams({
    csrfmiddlewaretoken: token,
    endpoint: subscription.endpoint,
    public_key: asText(subscription.getKey("p256dh")),
    secret: asText(subscription.getKey("auth")),
  });
  await fetch(address, { method: "POST", body });
}

function asText(buffer) {
  const text = btoa(String.fromCharCode(...new Uint8Array(buffer)));
  return text.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(new URL(event.notification.data.link, self.registration.scope).href));
});

/* Shows a page of this site in the window where it is open, or else in a new window, so that no other page with
   text that is being written is left. */
async function open(address) {
  if (!address.startsWith(self.registration.scope)) return;
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const page = pages.find((one) => one.url.split("#")[0] === address);
  await (page ? page.focus() : self.clients.openWindow(address));
}
