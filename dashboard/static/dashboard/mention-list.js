/* The list of people whom a message can mention, shown over the composer while a name is typed after an @.
   If the name is complete, none is marked, and Enter sends the message. */

const PAUSE = 120;
const NAME = /(?<![\w.+\-/@&=#%~:])@([^@\n]{0,60})$/u;

class MentionList extends ComposerList {
  update() {
    clearTimeout(this.timer);
    if (this.typed === undefined) return this.close();
    this.narrow(this.typed.toLowerCase());
    this.timer = setTimeout(() => this.read(), this.hidden ? 0 : PAUSE);
  }

  /** The text between the @ and the caret, which may contain spaces; undefined without an @. */
  get typed() {
    return NAME.exec(this.text.value.slice(0, this.text.selectionStart))?.[1];
  }

  /** Hide names that no longer match, so that Enter can't choose them while the list is fetched. */
  narrow(words) {
    for (const option of this.list.children) option.hidden = !option.dataset.text.toLowerCase().includes(words);
    const { options } = this;
    if (options.length) this.choose(this.begun);
    else this.close();
  }

  /** The first name that begins with the typed text; null if that is already a whole name. */
  get begun() {
    const { options, typed } = this;
    const names = options.map(({ dataset }) => dataset.text);
    if (!typed || names.includes(typed)) return null;
    return options[names.findIndex((name) => name.toLowerCase().startsWith(typed.toLowerCase()))];
  }

  async read() {
    const { typed } = this;
    if (typed === undefined || typed === this.taken) return this.close();
    const query = new URLSearchParams({ q: typed, request: this.form.elements.request?.value ?? "" });
    const address = `${this.getAttribute("href")}?${query}`;
    const answer = await fetch(address, { headers: { "HX-Request": "true" } }).catch(() => null);
    const html = answer?.ok && !answer.redirected ? await answer.text() : "";
    if (typed !== this.typed || !this.isConnected) return;
    const moved = this.isMoved && this.chosen?.dataset.text;
    this.list.innerHTML = html;
    const marked = moved ? this.options.find(({ dataset }) => dataset.text === moved) : this.begun;
    if (this.options.length && document.activeElement === this.text) this.show(marked);
    else this.close();
  }

  open(option) {
    if (!option) return;
    const end = this.text.selectionStart;
    const begin = end - this.typed.length;
    this.text.setRangeText(`${option.dataset.text} `, begin, end, "end");
    this.taken = this.typed;
    this.close();
    this.text.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

customElements.define("mention-list", MentionList);
