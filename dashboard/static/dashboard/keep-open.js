/* What a person has opened stays open, and keeps the focus, when a fresh partial takes its place. */

document.addEventListener("live:replace", ({ detail: { old, fresh } }) => {
  if (!old) return;
  for (const opened of old.querySelectorAll("details[open][id]")) {
    const twin = fresh.querySelector(`#${CSS.escape(opened.id)}`);
    if (twin) twin.open = true;
  }
  const place = placeOf(document.activeElement, old);
  if (place) queueMicrotask(() => find(place, fresh)?.focus({ preventScroll: true }));
});

/** Where the focus is: on an element with an id, or the how manyth control in one. */
function placeOf(focused, old) {
  if (!old.contains(focused)) return null;
  const holder = focused.closest("[id]");
  return { id: holder.id, index: controlsIn(holder).indexOf(focused) };
}

function find({ id, index }, fresh) {
  const holder = fresh.id === id ? fresh : fresh.querySelector(`#${CSS.escape(id)}`);
  return index < 0 ? holder : holder && controlsIn(holder)[index];
}

function controlsIn(holder) {
  return [...holder.querySelectorAll("a[href], button, summary, [tabindex]")];
}
