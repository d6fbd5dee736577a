/* A dialog that lists the keys of the page; it is opened by "?" or by an element with data-key-help. Its
   content is made when it opens, from all elements that have a key now, and from lists whose rows a key chooses.

   <a data-key="g i" data-key-name="Inbox">…            if the text of an element doesn't say what its key does
   <section data-choices="x" data-key-name="Choose …">  a list (choose-rows.js)

   If keys are switched off, the dialog has no lists, and says where to switch keys on. */

const NAMES = { Mod: "key-control", Control: "key-control", Escape: "key-escape" };
const NO_WORDS = "[aria-hidden=true], kbd, select, svg, textarea";

class KeyHelp extends HTMLElement {
  connectedCallback() {
    this.dialog = this.querySelector("dialog");
    this.dialog.addEventListener("click", ({ target }) => {
      if (target === this.dialog || target.closest("[data-close], a")) this.dialog.close();
    });
  }

  open() {
    if (this.dialog.open) return;
    const lines = linesOf(document.querySelector("main"));
    for (const group of this.querySelectorAll("[data-lines]")) {
      const own = lines.filter(({ isOfPage }) => isOfPage === (group.dataset.lines === "page"));
      group.querySelector("ul").replaceChildren(...own.map(draw));
      group.hidden = !own.length;
    }
    this.dialog.showModal();
  }
}

/** Return a line for each key; if several elements have it, the line says that the focus decides. */
function linesOf(main) {
  const lines = new Map();
  for (const { element, keys, words } of [...lists(main), ...elements()]) {
    const line = lines.get(keys[0]);
    if (line) line.words = textOf("key-near", { name: isolated(line.name) });
    else lines.set(keys[0], { keys, name: words, words, isOfPage: main.contains(element) });
  }
  return [...lines.values()];
}

/** Return a name for a sentence, isolated so that the name has its own text direction. */
function isolated(text) {
  return `\u2068${text}\u2069`;
}

function elements() {
  const found = elementsWithKeys(document).filter((one) => !one.matches("[data-choice]"));
  return found.map((element) => ({ element, keys: keysOf(element), words: wordsOf(element) }));
}

function lists(main) {
  const found = [...main.querySelectorAll("[data-choices]")];
  const chosen = found.filter((one) => one.checkVisibility() && one.querySelector("[data-choice]"));
  return chosen.map((element) => ({ element, keys: [element.dataset.choices], words: wordsOf(element) }));
}

function keysOf({ dataset, ariaKeyShortcuts }) {
  const others = (ariaKeyShortcuts ?? "").split(" ").filter((one) => /^Control/.test(one));
  return [dataset.key, ...others];
}

function wordsOf(element) {
  const name = element.dataset.keyName ?? element.ariaLabel;
  if (name) return name;
  const copy = (element.labels?.[0] ?? element).cloneNode(true);
  for (const one of copy.querySelectorAll(NO_WORDS)) one.remove();
  const texts = document.createTreeWalker(copy, NodeFilter.SHOW_TEXT);
  const words = [];
  while (texts.nextNode()) words.push(texts.currentNode.data.trim());
  return words.filter(Boolean).join(" ");
}

function draw({ keys, words }) {
  const line = document.createElement("li");
  line.className = "key-help__line";
  const caps = document.createElement("span");
  caps.className = "key-help__keys";
  caps.append(...keys.map(capsOf));
  const name = document.createElement("span");
  name.dir = "auto";
  name.textContent = words;
  line.append(caps, name);
  return line;
}

function capsOf(key) {
  const caps = document.createElement("kbd");
  caps.className = "key-help__key";
  caps.append(...partsOf(key).flatMap((part, place) => (place ? [" ", capOf(part)] : [capOf(part)])));
  return caps;
}

function partsOf(key) {
  const parts = key.length > 1 ? key.split(/[ +]/) : [key];
  return key.length === 1 && key !== key.toLowerCase() ? [textOf("key-shift"), key] : parts;
}

function capOf(part) {
  const cap = document.createElement("kbd");
  cap.textContent = NAMES[part] ? textOf(NAMES[part]) : part;
  return cap;
}

document.addEventListener("click", (event) => {
  const isPlain = !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0;
  const opener = isPlain && event.target.closest?.("[data-key-help]");
  const help = document.querySelector("key-help");
  if (!opener || !help) return;
  event.preventDefault();
  opener.closest("dialog")?.close();
  help.open();
});

customElements.define("key-help", KeyHelp);
