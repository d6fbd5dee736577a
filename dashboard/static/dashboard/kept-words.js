/* The text that somebody had typed when their form was removed, with a button that copies it.

   When a pushed card replaces an open one, a card that is still open keeps the existing form, and a receipt
   gets the typed text. */

class KeptWords extends HTMLElement {
  connectedCallback() {
    if (this.querySelector("button")) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button";
    button.textContent = textOf("copy");
    button.addEventListener("click", () => this.copy(button));
    this.querySelector(".kept-words__title").after(button);
  }

  async copy(button) {
    const text = this.querySelector(".kept-words__text");
    try {
      await navigator.clipboard.writeText(text.textContent);
      button.textContent = textOf("copied");
    } catch {
      getSelection().selectAllChildren(text);
      button.textContent = textOf("copy-by-hand");
    }
  }
}

function keptWords(words) {
  const element = document.createElement("kept-words");
  element.className = "kept-words";
  element.setAttribute("role", "status");
  element.append(piece("p", "kept-words__title", textOf("draft")));
  element.append(piece("pre", "kept-words__text", words));
  return element;
}

function piece(tag, name, text) {
  const element = document.createElement(tag);
  element.className = name;
  element.textContent = text;
  return element;
}

function typedIn(form) {
  const fields = [...form.querySelectorAll("textarea, input:not([type=hidden], [type=radio], [type=checkbox])")];
  const typed = fields.filter((field) => field.value.trim() && field.value !== field.defaultValue);
  return typed.map((field) => field.value).join("\n\n");
}

/** Show the typed text in a receipt or, if the answer was undone, below the form of the open card. */
function keepWords(words, fresh) {
  if (!words || fresh.querySelector(".kept-words")) return;
  const form = fresh.querySelector(".request__form");
  if (form) form.after(words);
  else fresh.querySelector(".receipt")?.append(words);
}

function carryOver(card, fresh) {
  const form = card.querySelector(".request__form");
  const slot = fresh.querySelector(".request__form");
  const words = typedIn(form);
  if (slot && card.dataset.version === cardIn(fresh).dataset.version) {
    slot.replaceWith(form);
    return;
  }
  if (slot) {
    if (words) slot.after(keptWords(words));
    return;
  }
  keepPlace(card, cardIn(fresh));
  if (!cardIn(fresh).hasAttribute("data-held")) form.querySelector("keep-draft")?.forget();
  if (words) keepWords(keptWords(words), fresh);
}

/** Unfold the receipt and make it as high as the form was until it is out of sight, so that nothing that somebody
    may be reading is folded or moves. */
function keepPlace(card, receipt) {
  const fold = receipt.querySelector(".request__fold");
  if (fold) fold.open = true;
  if (card.closest(".request-page")) return; // nothing stands below it
  receipt.style.minBlockSize = `${card.offsetHeight}px`;
  const sight = new IntersectionObserver(([{ isIntersecting }]) => {
    if (isIntersecting) return;
    receipt.style.minBlockSize = "";
    sight.disconnect();
  });
  sight.observe(receipt);
}

/** Return the card: the element itself, or the one inside a message. */
function cardIn(element) {
  return element?.matches(".request") ? element : element?.querySelector(".request");
}

/* A card whose answer or form is being sent isn't replaced here, because the response replaces it. A card that
   is pushed in the meantime may be newer than the response, and then replaces that. */
const postponed = new Map();

document.addEventListener("live:replace", (event) => {
  const { old, fresh } = event.detail;
  const card = cardIn(old);
  if (card?.querySelector(".htmx-request")) {
    event.preventDefault();
    postponed.set(card.id, fresh);
  } else if (card?.dataset.status === "open") carryOver(card, fresh);
  else keepWords(card?.querySelector(".kept-words"), fresh);
});

document.addEventListener("htmx:afterRequest", () => {
  for (const [id, fresh] of postponed) {
    const card = document.getElementById(id);
    if (card?.querySelector(".htmx-request")) continue;
    postponed.delete(id);
    const old = document.getElementById(fresh.id);
    if (card && old && isNewer(cardIn(fresh), card)) replaceLive(old, fresh);
  }
});

/** Return true if a pushed card is newer than the shown one; a note that the request is lost replaces no receipt. */
function isNewer(fresh, card) {
  if (fresh.dataset.status === "lost") return card.dataset.status === "open";
  return Number(fresh.dataset.version) > Number(card.dataset.version);
}

customElements.define("kept-words", KeptWords);
