/* Keeps the scroll position on a run's page when partials are replaced, even if content above gets longer.
   Browsers do this only if elements stay on the page, and some never do it, so the page of a run switches
   it off (`overflow-anchor`). */

const REPLACED = ".run-now, .run-now__head";

let place = null;

document.addEventListener("live:replace", ({ detail: { old } }) => {
  if (place || !old?.matches(REPLACED) || topOf(old) >= 0) return;
  const seen = [...document.querySelectorAll(`main [id]:not(${REPLACED})`)].find(isSeen);
  if (!seen) return;
  place = { id: seen.id, top: topOf(seen) };
  queueMicrotask(goBack);
});

/** Scroll back, once for all elements of a frame. */
function goBack() {
  const twin = document.getElementById(place.id);
  if (twin) scrollBy({ top: topOf(twin) - place.top, behavior: "instant" });
  place = null;
}

/* A run's card in a transcript keeps its height when its content gets shorter, so that nothing below moves up,
   until the card is out of sight or somebody folds or unfolds it. */
const heights = new Map();

document.addEventListener("live:replace", ({ detail: { old } }) => {
  const card = old?.matches(".run-card") ? old : old?.querySelector(".run-card");
  // Several frames may arrive at once; only the height of the first card was ever visible.
  if (!card || heights.has(card.id)) return;
  heights.set(card.id, card.offsetHeight);
  queueMicrotask(() => keepHeight(card.id));
});

function keepHeight(id) {
  const card = document.getElementById(id);
  const height = heights.get(id);
  heights.delete(id);
  if (!card || card.offsetHeight >= height) return;
  card.style.minBlockSize = `${height}px`;
  const sight = new IntersectionObserver(([{ isIntersecting }]) => isIntersecting || letGo());
  const letGo = () => {
    card.style.minBlockSize = "";
    sight.disconnect();
  };
  sight.observe(card);
  card.addEventListener("click", ({ target }) => target.closest("summary") && letGo());
}

function isSeen(element) {
  return element.getBoundingClientRect().bottom > 0;
}

function topOf(element) {
  return element.getBoundingClientRect().top;
}
