/* Closes notifications of this browser that have nothing more to tell: what leads to the page in view, what is
   about a request that waits no longer, and, once somebody looks, what only said how a request ended. */

const ID = /[0-9a-f-]{36}/;

/* What waited when the inbox last told it, in milliseconds. A card may be replaced only after that frame. */
let told = { at: 0, waiting: undefined };

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
  if (!id || !pathname.includes(`/requests/${id}`) || timestamp > told.at) return false;
  return told.waiting?.includes(id) === false;
}

/** Frames of the inbox name all that waits if it is little. */
function waitingIn({ waiting, requests }) {
  return requests === 0 ? [] : waiting;
}

addEventListener("pageshow", () => closeOld());
document.addEventListener("visibilitychange", () => closeOld());
document.addEventListener("htmx:afterSettle", () => closeOld());
document.addEventListener("live", ({ target, detail }) => {
  if (target.stream !== "inbox") return;
  told = { at: Date.now(), waiting: waitingIn(detail) };
  // After the elements that show what this frame brings.
  setTimeout(() => closeOld());
});
