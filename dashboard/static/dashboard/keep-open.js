/* When a partial is replaced, by a pushed one or by htmx, opened details stay open, the focus stays, marks of
   link targets stay, and a list keeps its scroll position. */

const CONTROLS = "a[href], button, input, select, summary, textarea, [tabindex]";

let read = null;

document.addEventListener("live:replace", ({ detail: { old, fresh } }) => {
  if (!old) return;
  openAsIn(old, fresh);
  const place = placeOf(document.activeElement, old);
  if (place) queueMicrotask(() => find(place, fresh)?.focus({ preventScroll: true }));
});

/* Only for GET requests: the response to a POST itself says which element gets the focus. */
document.addEventListener("htmx:beforeSwap", ({ detail: { requestConfig, target } }) => {
  const isRead = requestConfig.verb === "get";
  read = isRead && { old: target, place: placeOf(document.activeElement, target), top: target.scrollTop };
});

document.addEventListener("htmx:afterSwap", ({ target: fresh }) => {
  if (!read) return;
  openAsIn(read.old, fresh);
  if (read.top) fresh.scrollTop = read.top;
  const isLost = read.place && document.activeElement === document.body;
  if (isLost) find(read.place, fresh)?.focus({ preventScroll: true });
});

function openAsIn(old, fresh) {
  for (const opened of old.querySelectorAll("details[open][id]")) {
    const twin = fresh.querySelector(`#${CSS.escape(opened.id)}`);
    if (twin) twin.open = true;
  }
  for (const marked of old.querySelectorAll("[data-marked][id]")) {
    fresh.querySelector(`#${CSS.escape(marked.id)}`)?.setAttribute("data-marked", "");
  }
}

/** Return where the focus is: the nearest element with an id, and the control's position and link in it. */
function placeOf(focused, old) {
  if (!old.contains(focused)) return null;
  const named = focused.closest("[id]");
  const holder = old.contains(named) ? named : old;
  return { id: holder.id, index: controlsIn(holder).indexOf(focused), href: focused.getAttribute("href") };
}

/** Return the element at a place; a link is found by its address, because links before it may be new. */
function find({ id, index, href }, fresh) {
  const holder = fresh.id === id ? fresh : id ? fresh.querySelector(`#${CSS.escape(id)}`) : null;
  if (index < 0 || !holder) return holder;
  const controls = controlsIn(holder);
  const leadsThere = (one) => one.getAttribute("href") === href;
  return !href || leadsThere(controls[index] ?? holder) ? controls[index] : controls.find(leadsThere);
}

function controlsIn(holder) {
  return [...holder.querySelectorAll(CONTROLS)];
}
