/* The list of commands over the composer, while the first word of a message begins with a slash.

   The focus stays in the field: arrow keys choose, Tab completes, Enter opens, Escape closes. */

const FRESH = 30_000;
const COMMAND = /^\s*[/\uFF0F]([^\s/\uFF0F]*)$/u;
const read = { at: 0, href: "", html: "" };

class CommandList extends HTMLElement {
  connectedCallback() {
    this.form = this.closest("form");
    this.text = this.form.querySelector("textarea");
    this.list = this.querySelector("[role=listbox]");
    this.text.setAttribute("aria-autocomplete", "list");
    this.text.setAttribute("aria-haspopup", "listbox");
    // Before the composer hears the key: Enter and Escape mean something else while the list is open.
    this.form.addEventListener("keydown", (event) => this.onKey(event), true);
    this.text.addEventListener("input", () => this.update());
    this.text.addEventListener("blur", () => this.close());
    this.list.addEventListener("pointerdown", (event) => event.preventDefault());
    this.list.addEventListener("pointermove", ({ target }) => this.choose(target.closest("[role=option]")));
    this.list.addEventListener("click", ({ target }) => this.open(target.closest("[role=option]")));
  }

  get options() {
    return [...this.list.querySelectorAll("[role=option]:not([hidden])")];
  }

  async update() {
    const wanted = COMMAND.exec(this.text.value);
    if (!wanted) return this.close();
    if (!this.list.firstElementChild) this.list.innerHTML = await optionsOf(this.getAttribute("href"));
    const current = COMMAND.exec(this.text.value);
    if (current && this.isConnected && document.activeElement === this.text) this.show(plain(current[1]));
  }

  /** What begins with the words comes first in importance, but the order stays: it is by last use. */
  show(words) {
    for (const option of this.list.children) option.hidden = !fits(option, words);
    const { options } = this;
    if (!options.length) return this.close();
    this.hidden = false;
    this.text.setAttribute("aria-controls", this.list.id);
    const exact = options.find(({ dataset }) => plain(dataset.text.slice(1)).startsWith(words));
    this.choose(exact ?? options[0]);
  }

  close() {
    this.hidden = true;
    this.text.removeAttribute("aria-controls");
    this.text.removeAttribute("aria-activedescendant");
  }

  onKey(event) {
    if (this.hidden || event.isComposing || event.keyCode === 229 || event.target !== this.text) return;
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const act = {
      ArrowDown: () => this.step(1),
      ArrowUp: () => this.step(-1),
      Tab: () => this.complete(),
      Enter: () => this.open(this.chosen),
      Escape: () => this.close(),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }

  step(by) {
    const { options } = this;
    this.choose(options[(options.indexOf(this.chosen) + by + options.length) % options.length]);
    this.chosen.scrollIntoView({ block: "nearest" });
  }

  choose(option) {
    if (!option) return;
    this.chosen?.setAttribute("aria-selected", "false");
    this.chosen = option;
    option.setAttribute("aria-selected", "true");
    this.text.setAttribute("aria-activedescendant", option.id);
  }

  complete() {
    this.text.value = `${this.chosen.dataset.text} `;
    this.text.dispatchEvent(new Event("input", { bubbles: true }));
  }

  open(option) {
    if (!option) return;
    this.text.value = option.dataset.text;
    this.close();
    this.form.requestSubmit();
  }
}

/** The same for all fields of a page; read again after a while, as somebody may start other things. */
async function optionsOf(href) {
  if (read.href === href && Date.now() - read.at < FRESH) return read.html;
  const answer = await fetch(href, { headers: { "HX-Request": "true" } }).catch(() => null);
  if (!answer?.ok || answer.redirected) return "";
  Object.assign(read, { at: Date.now(), href, html: await answer.text() });
  return read.html;
}

const plain = (text) => text.normalize("NFKC").toLowerCase().replace(/[\s_-]+/gu, " ");
const fits = ({ dataset }, words) => plain(dataset.words).includes(words);

customElements.define("command-list", CommandList);
