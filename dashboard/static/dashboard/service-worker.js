/* The service worker: it shows what is pushed to this browser, and opens its page on a click. It fetches
   nothing but what the site needs to know when the browser's subscription changes. */

self.addEventListener("install", () => self.skipWaiting());

self.addEventListener("push", (event) => {
  const { title, link, tag, takes_back: takesBack } = event.data.json();
  // The same tag replaces the same message, if it was pushed twice.
  const show = () => self.registration.showNotification(title, { tag, data: { link } });
  event.waitUntil(takesBack ? takeBack(title, link, tag) : show());
});

/* Takes back what was shown: the words by which it ended stand in its place, without a sound. Nothing may be
   pushed to a browser that shows nothing, unless a page of the site is in view: then it is closed. What was
   closed here before is shown for that reason only, and closed again. */
async function takeBack(title, link, tag) {
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const isInView = pages.some((page) => page.visibilityState === "visible");
  const isShown = (await self.registration.getNotifications({ tag })).length > 0;
  const data = { link, isOver: true };
  if (!isInView) await self.registration.showNotification(title, { tag, silent: true, data });
  if (isShown && !isInView) return;
  for (const one of await self.registration.getNotifications({ tag })) one.close();
}

/* The browser's push service gives it another address, or has dropped the old one. */
self.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(renew(event.newSubscription)));

/** Tells the site where to push from now on, as the form of the profile page does. */
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

/* Shows a page of this site: where it is open already, or else in a new window, so that nothing that is being
   written elsewhere is left. */
async function open(address) {
  if (!address.startsWith(self.registration.scope)) return;
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const page = pages.find((one) => one.url.split("#")[0] === address);
  await (page ? page.focus() : self.clients.openWindow(address));
}
