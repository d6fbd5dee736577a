/* Whoever reads in the middle of a run stays there when fresh partials take the place of others,
   whatever has got longer above. Browsers do that only with elements that stay on the page, and some
   never, so the page of a run asks them not to (`overflow-anchor`). */

const REPLACED = ".run-now, .run-now__head";

let place = null;

document.addEventListener("live:replace", ({ detail: { old } }) => {
  if (place || !old?.matches(REPLACED) || topOf(old) >= 0) return;
  const seen = [...document.querySelectorAll(`main [id]:not(${REPLACED})`)].find(isSeen);
  if (!seen) return;
  place = { id: seen.id, top: topOf(seen) };
  queueMicrotask(goBack);
});

/** Once for all that one frame brings. */
function goBack() {
  const twin = document.getElementById(place.id);
  if (twin) scrollBy({ top: topOf(twin) - place.top, behavior: "instant" });
  place = null;
}

/* A run's card in a transcript that has less to say keeps its height until it is out of sight, or until
   somebody folds or unfolds it: nothing below it moves up. */
const heights = new Map();

document.addEventListener("live:replace", ({ detail: { old } }) => {
  const card = old?.matches(".run-card") ? old : old?.querySelector(".run-card");
  // Several frames may come at once: of the cards between, none was ever seen.
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
