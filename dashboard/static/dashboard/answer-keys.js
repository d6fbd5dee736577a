/* An irreversible answer that was chosen by its key is confirmed by Enter. If it was chosen by a click or by
   Enter itself, another key confirms it, so that the same press twice never confirms an answer. */

let armed = null;

document.addEventListener("keydown", () => (armed = null), true);
document.addEventListener("pointerdown", () => (armed = null), true);

document.addEventListener("key:press", ({ target, detail }) => {
  const isAnswer = target.matches(".answer__buttons button");
  armed = isAnswer ? { card: target.closest(".request")?.id, key: detail.key } : null;
});

document.addEventListener("htmx:afterSettle", () => {
  const card = armed && document.getElementById(armed.card);
  const confirm = card?.querySelector(".button--final");
  if (!confirm) return;
  if (armed.key !== "Enter") confirm.dataset.key = "Enter";
  armed = null;
});
