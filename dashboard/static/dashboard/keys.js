/* Single keys that press elements of the page. The attribute data-key names a key, and CSS prints it:

   <button data-key="a">Approve</button>      a letter, a digit, "Enter", "Escape", "ArrowDown", "?"
   <button data-key="C">Cancel</button>       with Shift
   <a data-key="g h" href="/">Home</a>        one after the other
   <button data-key="Mod+Enter">Send</button> with Ctrl or ⌘; also while somebody types

   A link or a button is clicked, an option is chosen, and a field gets the focus; for any other element, the
   first field in it gets the focus. Before that, "key:press" is dispatched on the element, and can be prevented.
   Elements that are hidden, disabled or below an open dialog are ignored.

   If several elements have the same key, for example on two cards, the key applies only to the one in the
   nearest element with data-keys-here around the focus. If there is none, the key does nothing.
   Keys are off while somebody types; Escape leaves the field. If the profile switches keys off, <html> has
   no data-keys, and CSS prints none.

   elementsWithKeys(document) finds the elements that could be pressed now. */

const PAUSE = 1000;
const FIELD = "textarea, select, [contenteditable], input:not([type=hidden], [type=radio], [type=checkbox], [type=submit], [type=button])";
const TYPED = `${FIELD}:not([type=file])`;
const PRESSED = "a[href], button, summary, label, input, textarea, select";
const FIRST = `${FIELD}, input:not([type=hidden])`;

let begun = "";
let timer = 0;

document.addEventListener("keydown", (event) => {
  const { target, key } = event;
  if (event.defaultPrevented || event.isComposing || !document.documentElement.hasAttribute("data-keys")) return;
  const isTyping = target.matches?.(TYPED) ?? false;
  if (isTyping && key === "Escape") target.blur();
  const name = nameOf(event);
  if (!name || (isTyping && !name.startsWith("Mod+")) || isForTarget(event)) return;
  const whole = begun ? `${begun} ${name}` : name;
  const found = elementOf(whole, target) ?? (begun ? elementOf(name, target) : null);
  begin(begins(name) && !found ? name : "");
  if (!found || (event.repeat && !found.hasAttribute("data-key-repeats"))) return;
  event.preventDefault();
  press(found, name);
});

/** Return the name of a key with its modifiers; "" for keys that are left to the browser. */
function nameOf({ key, ctrlKey, metaKey, altKey }) {
  if (altKey) return "";
  if (ctrlKey || metaKey) return key === "Enter" ? "Mod+Enter" : "";
  return key;
}

/** Return true for keys that the focused link, button or option handles itself. */
function isForTarget({ target, key, ctrlKey, metaKey }) {
  if (ctrlKey || metaKey || !target.matches?.(PRESSED)) return false;
  return key === " " || key === "Enter" || (key.startsWith("Arrow") && target.matches("input"));
}

function elementOf(name, target) {
  const dialog = [...document.querySelectorAll("dialog:modal")].at(-1);
  const found = elementsWithKeys(dialog ?? document, `[data-key="${CSS.escape(name)}"]`);
  if (found.length < 2) return found[0];
  const here = target.closest?.("form, [data-keys-here]")?.closest("[data-keys-here]");
  const near = found.filter((one) => here?.contains(one));
  return near.length === 1 ? near[0] : undefined;
}

window.elementsWithKeys = (within, selector = "[data-key]") => [...within.querySelectorAll(selector)].filter(isPressable);

function isPressable(element) {
  const isInSight = element.checkVisibility({ visibilityProperty: true }) && !element.matches(":disabled");
  return isInSight && (element.matches(PRESSED) || element.querySelector(FIRST) !== null);
}

function begins(name) {
  return Boolean(document.querySelector(`[data-key^="${CSS.escape(name)} "]`));
}

function begin(name) {
  clearTimeout(timer);
  begun = name;
  if (name) timer = setTimeout(() => (begun = ""), PAUSE);
}

function press(element, key) {
  const event = new CustomEvent("key:press", { bubbles: true, cancelable: true, detail: { key } });
  if (!element.dispatchEvent(event)) return;
  if (!element.matches(PRESSED)) focusFirst(element);
  else if (element.matches("input, textarea, select")) enter(element);
  else element.click();
}

function focusFirst(element) {
  const field = [...element.querySelectorAll(FIRST)].find((one) => one.checkVisibility());
  field?.focus();
  if (field?.type === "file") field.click();
}

/** Focus a field; an option is also chosen, and Enter then submits its form. */
function enter(field) {
  field.focus();
  if (!field.matches(TYPED)) field.click();
}
