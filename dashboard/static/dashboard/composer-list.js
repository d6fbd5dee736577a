/* The base of lists over the composer. The focus stays in the field: arrow keys choose, Enter takes, Escape closes.
   A list says with `update` what it shows for the words in the field, and with `open` what Enter and a click do. */

window.ComposerList = class extends HTMLElement {
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

  /** Shows the options that aren't hidden, with this one chosen. */
  show(chosen) {
    this.hidden = false;
    this.text.setAttribute("aria-controls", this.list.id);
    this.choose(chosen);
  }

  close() {
    if (this.hidden) return;
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

  complete() {
    this.open(this.chosen);
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
};
