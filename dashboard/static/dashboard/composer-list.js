/* The base class of lists over the composer. The focus stays in the field: arrow keys choose, Tab completes, Escape
   closes. The method `update` decides what a list shows for the words in the field; `open` is called by Enter or a click.

   Enter takes only the marked option: one to which somebody has moved, or one that completes the words in the field.
   Words with a meaning of their own are never replaced by a longer option. Pointing at an option doesn't mark it,
   because a list may open under a resting pointer. */

window.ComposerList = class extends HTMLElement {
  connectedCallback() {
    this.form = this.closest("form");
    this.text = this.form.querySelector("textarea");
    this.list = this.querySelector("[role=listbox]");
    this.text.setAttribute("aria-autocomplete", "list");
    this.text.setAttribute("aria-haspopup", "listbox");
    // Captured before the composer gets the key, because Enter and Escape mean something else in an open list.
    this.form.addEventListener("keydown", (event) => this.onKey(event), true);
    this.text.addEventListener("input", () => {
      this.isMoved = false;
      this.update();
    });
    this.text.addEventListener("blur", () => this.close());
    this.list.addEventListener("pointerdown", (event) => event.preventDefault());
    this.list.addEventListener("click", ({ target }) => this.open(target.closest("[role=option]")));
  }

  get options() {
    return [...this.list.querySelectorAll("[role=option]:not([hidden])")];
  }

  /** Open the list, with this option marked, or none; it stays closed while the message is being sent. */
  show(chosen = null) {
    if (this.text.readOnly) return;
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
      Tab: () => this.complete(this.chosen ?? this.options[0]),
      Enter: this.chosen && (() => this.open(this.chosen)),
      Escape: () => this.close(),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }

  complete(option) {
    this.open(option);
  }

  step(by) {
    const { options } = this;
    const from = this.chosen ? options.indexOf(this.chosen) : Math.min(-by, 0);
    this.choose(options[(from + by + options.length) % options.length]);
    this.chosen.scrollIntoView({ block: "nearest" });
    this.isMoved = true;
  }

  choose(option) {
    this.chosen?.setAttribute("aria-selected", "false");
    this.chosen = option;
    option?.setAttribute("aria-selected", "true");
    if (option) this.text.setAttribute("aria-activedescendant", option.id);
    else this.text.removeAttribute("aria-activedescendant");
  }
};
