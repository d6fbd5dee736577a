/* What a person has opened stays open, and keeps the focus, when a fresh partial takes its place: one
   that was pushed, or one that htmx has read again. So does the mark of what a link has led to. A list
   stays where it was scrolled to. */

const CONTROLS = "a[href], button, input, select, summary, textarea, [tabindex]";

let read = null;

document.addEventListener("live:replace", ({ detail: { old, fresh } }) => {
  if (!old) return;
  openAsIn(old, fresh);
  const place = placeOf(document.activeElement, old);
  if (place) queueMicrotask(() => find(place, fresh)?.focus({ preventScroll: true }));
});

/* What somebody has sent is answered by a partial that says itself where the focus belongs. */
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

/** Where the focus is: on an element with an id, or the how manyth control in one or in all of it. */
function placeOf(focused, old) {
  if (!old.contains(focused)) return null;
  const named = focused.closest("[id]");
  const holder = old.contains(named) ? named : old;
  return { id: holder.id, index: controlsIn(holder).indexOf(focused), href: focused.getAttribute("href") };
}

/** A link is the one that leads to the same place, for others may have come before it. */
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
