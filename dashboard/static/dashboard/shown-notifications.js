/* Closes notifications in this browser that are no longer needed: those whose link leads to the visible
   page, those about requests that no longer wait and, as soon as a page is visible, those that only say
   how a request ended. */

const ID = /[0-9a-f-]{36}/;

/* The requests in the last frame of the inbox, and its time in milliseconds. Cards may be replaced later. */
let latest = { at: 0, waiting: undefined };

async function closeOld() {
  const worker = await navigator.serviceWorker?.getRegistration();
  const shown = (await worker?.getNotifications()) ?? [];
  for (const one of shown) if (isOld(one)) one.close();
}

function isOld({ data: { link, isOver }, timestamp = 0 }) {
  const isInView = document.visibilityState === "visible";
  const { pathname } = new URL(link, location.href);
  if (isInView && (isOver || pathname === location.pathname)) return true;
  const [id] = link.match(ID) ?? [];
  const card = id && document.getElementById(`request-${id}`);
  if (card) return card.dataset.status !== "open" && !("held" in card.dataset);
  if (!id || !pathname.includes(`/requests/${id}`) || timestamp > latest.at) return false;
  return latest.waiting?.includes(id) === false;
}

/** Return the ids of the waiting requests; frames of the inbox contain them only if they are few. */
function waitingIn({ waiting, requests }) {
  return requests === 0 ? [] : waiting;
}

addEventListener("pageshow", () => closeOld());
document.addEventListener("visibilitychange", () => closeOld());
document.addEventListener("htmx:afterSettle", () => closeOld());
document.addEventListener("live:replace", ({ detail: { old } }) => {
  if (old?.matches(".request") || old?.querySelector(".request")) setTimeout(() => closeOld());
});
document.addEventListener("live", ({ target, detail }) => {
  if (target.stream !== "inbox") return;
  latest = { at: Date.now(), waiting: waitingIn(detail) };
  // Other elements must show the changes in this frame first.
  setTimeout(() => closeOld());
});
