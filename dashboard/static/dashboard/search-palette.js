/* "Search or do…": a dialog over the page, opened by Ctrl+K, ⌘K or a link with data-palette. The arrow
   keys move among the results, and Enter opens the chosen one. The field keeps the focus;
   aria-activedescendant names the chosen result.

   Enter opens the first result only if it was found for the words in the field. While the search is
   running, or if the field is empty, Enter opens the result to which somebody has moved, or else the
   page of the search. */

const PAUSE = 120;

class SearchPalette extends HTMLElement {
  connectedCallback() {
    this.dialog = this.querySelector("dialog");
    this.field = this.querySelector("input");
    this.list = this.querySelector("[role=listbox]");
    this.status = this.querySelector("[role=status]");
    this.field.addEventListener("input", () => this.readSoon());
    this.field.addEventListener("keydown", (event) => this.onKey(event));
    this.dialog.addEventListener("click", ({ target }) => target === this.dialog && this.dialog.close());
    this.querySelector(".palette__close").addEventListener("click", () => this.dialog.close());
    this.dialog.addEventListener("submit", (event) => this.go(event));
  }

  open() {
    if (this.dialog.open) return;
    this.isMoved = false;
    this.dialog.showModal();
    this.field.select();
    this.read();
  }

  get options() {
    return [...this.list.querySelectorAll("[role=option]")];
  }

  onKey(event) {
    const { options } = this;
    const at = options.indexOf(this.chosen);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1 + (at < 0), PageDown: at + 5, PageUp: at - 5 }[event.key];
    if (to === undefined || !options.length) return;
    event.preventDefault();
    const isStep = event.key.startsWith("Arrow");
    const last = options.length - 1;
    const next = isStep ? (to + options.length) % options.length : Math.min(Math.max(to, 0), last);
    this.isMoved = true;
    this.choose(options[next]);
    this.chosen.scrollIntoView({ block: "nearest" });
  }

  choose(option = null) {
    this.chosen?.setAttribute("aria-selected", "false");
    this.chosen = option;
    option?.setAttribute("aria-selected", "true");
    if (option) this.field.setAttribute("aria-activedescendant", option.id);
    else this.field.removeAttribute("aria-activedescendant");
  }

  /** Open the chosen result; without one, the form opens the page of the search. */
  go(event) {
    if (!this.chosen) return;
    event.preventDefault();
    this.chosen.click();
  }

  /** Search after a pause; until then, earlier results stay in the list, but none of them is chosen. */
  readSoon() {
    clearTimeout(this.timer);
    this.isMoved = false;
    this.choose();
    this.timer = setTimeout(() => this.read(), PAUSE);
  }

  async read() {
    const query = this.field.value;
    this.reading?.abort();
    this.reading = new AbortController();
    const { signal } = this.reading;
    const address = `${this.getAttribute("href")}?${new URLSearchParams({ q: query })}`;
    const answer = await fetch(address, { signal }).catch(() => null);
    const isRead = answer?.ok && !answer.redirected;
    const found = isRead ? await answer.json().catch(() => null) : null;
    if (found && !signal.aborted && query === this.field.value) this.draw(found.groups);
  }

  draw(groups) {
    const moved = this.isMoved && this.chosen.href;
    this.list.replaceChildren(...groups.map((group) => this.groupOf(group)));
    const { options } = this;
    options.forEach((option, at) => (option.id = `find-${at}`));
    this.choose(moved ? options.find(({ href }) => href === moved) : this.firstOf(options));
    this.status.textContent = textOf(options.length ? "found" : "found-nothing", { count: options.length });
    this.list.dataset.empty = options.length ? "" : textOf("found-nothing");
  }

  /** Return the result whose title is exactly the words, or else the first; null without words. */
  firstOf(options) {
    const words = plain(this.field.value);
    const isCalledSo = (option) => plain(option.querySelector(".find__title").textContent) === words;
    return words ? (options.find(isCalledSo) ?? options[0]) : null;
  }

  groupOf({ name, label, items }) {
    const group = piece("div", "palette__group");
    const title = piece("div", "palette__label", label);
    title.id = `find-group-${name}`;
    group.setAttribute("role", "group");
    group.setAttribute("aria-labelledby", title.id);
    group.append(title, ...items.map(optionOf));
    return group;
  }
}

const plain = (text) => text.normalize("NFKC").trim().toLowerCase();

function optionOf({ href, title, detail, at, show, pieces = [] }) {
  const option = piece("a", "find__link palette__option");
  option.href = href;
  option.tabIndex = -1;
  option.setAttribute("role", "option");
  option.setAttribute("aria-selected", "false");
  option.append(piece("bdi", "find__title", title), piece("bdi", "find__detail", detail));
  if (at) option.append(momentOf(at, show));
  if (pieces.length) option.append(snippetOf(pieces));
  return option;
}

/** Return the text around the words that were searched for; the words are marked. */
function snippetOf(pieces) {
  const text = piece("span", "find__text");
  text.dir = "auto";
  text.append(...pieces.map(([words, isMatch]) => (isMatch ? piece("mark", "", words) : words)));
  return text;
}

function momentOf(at, show) {
  const moment = piece("local-time", "find__at");
  const time = document.createElement("time");
  time.dateTime = at;
  moment.setAttribute("show", show);
  moment.append(time);
  return moment;
}

function piece(tag, name, text = "") {
  const element = document.createElement(tag);
  element.className = name;
  element.textContent = text;
  return element;
}

document.addEventListener("keydown", (event) => {
  const isWanted = (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey;
  const palette = document.querySelector("search-palette");
  if (!isWanted || event.key !== "k" || !palette) return;
  event.preventDefault();
  palette.open();
});

document.addEventListener("click", (event) => {
  const isPlain = !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0;
  if (!isPlain || !event.target.closest?.("[data-palette]")) return;
  event.preventDefault();
  document.querySelector("search-palette")?.open();
});

customElements.define("search-palette", SearchPalette);
