/* Lists whose rows can be chosen by clicks and keys:

   <section data-choices="x">
     <div data-row><input type="checkbox" data-choice> <a href="…">…</a></div>
     <strong data-count="{count} chosen"></strong>      shows how many are chosen
     <button data-range data-key="X">                   chooses all from the last chosen row to the current one
     <button data-step="1" data-key="j">                gives the focus to the next row, in a list with data-walked

   A click with Shift chooses a range, too. The checkbox of the current row has the key of the list, here x. In a
   list with data-walked, the current row is the one with the focus; other lists dispatch "row:current" on it.
   "rows:chosen" is dispatched when the choice has changed, or by a script that has replaced the rows. */

const ROW = "[data-row]";
const BOX = "[data-choice]";
const lastChosen = new WeakMap();

document.addEventListener("change", ({ target }) => {
  const list = listOf(target);
  if (!list || !target.matches(BOX)) return;
  if (target.checked) lastChosen.set(list, target.value);
  tellChosen(list);
});

document.addEventListener("click", ({ target, shiftKey }) => {
  const list = listOf(target);
  const step = target.closest?.("[data-step]");
  if (!list) return;
  if (step) walk(list, Number(step.dataset.step));
  else if (target.closest("[data-range]")) chooseTo(list, list.querySelector(`${BOX}[data-key]`));
  else if (shiftKey && target.matches(BOX)) chooseTo(list, target);
});

document.addEventListener("row:current", ({ target }) => markCurrent(target));

document.addEventListener("focusin", ({ target }) => {
  const row = listOf(target)?.hasAttribute("data-walked") && target.closest(ROW);
  if (row) markCurrent(row);
});

document.addEventListener("rows:chosen", ({ target }) => {
  const list = target.closest("[data-choices]") ?? target.querySelector("[data-choices]");
  const counter = list?.querySelector("[data-count]");
  if (counter) counter.textContent = counter.dataset.count.replace("{count}", list.querySelectorAll(`${BOX}:checked`).length);
});

function listOf(target) {
  return target.closest?.("[data-choices]");
}

function boxesOf(list) {
  return [...list.querySelectorAll(BOX)];
}

function tellChosen(list) {
  list.dispatchEvent(new CustomEvent("rows:chosen", { bubbles: true }));
}

function chooseTo(list, box) {
  const boxes = boxesOf(list);
  const last = boxes.findIndex(({ value }) => value === lastChosen.get(list));
  const [from, to] = [last, boxes.indexOf(box)].sort((one, other) => one - other);
  if (from >= 0) for (const one of boxes.slice(from, to + 1)) one.checked = true;
  tellChosen(list);
}

function markCurrent(row) {
  const own = row.querySelector(BOX);
  const list = listOf(row);
  for (const box of boxesOf(list)) if (box !== own) delete box.dataset.key;
  if (own) own.dataset.key = list.dataset.choices;
}

function walk(list, step) {
  const rows = [...list.querySelectorAll(ROW)];
  const here = rows.indexOf(document.activeElement?.closest(ROW));
  rows[here < 0 ? 0 : here + step]?.querySelector("a[href]").focus();
}
