/* The people whom a message can mention, over the composer, while a name is typed after an @. */

const PAUSE = 120;
const NAME = /(?<![\w.+\-/@&=#%~:])@([^@\n]{0,60})$/u;

class MentionList extends ComposerList {
  update() {
    clearTimeout(this.timer);
    if (this.typed === undefined) return this.close();
    this.narrow(this.typed.toLowerCase());
    this.timer = setTimeout(() => this.read(), this.hidden ? 0 : PAUSE);
  }

  /** What stands between the sign and the caret; a name may contain spaces. */
  get typed() {
    return NAME.exec(this.text.value.slice(0, this.text.selectionStart))?.[1];
  }

  /** What no longer fits isn't taken by Enter while the list is being read. */
  narrow(words) {
    for (const option of this.list.children) option.hidden = !option.dataset.text.toLowerCase().includes(words);
    const { options } = this;
    if (!options.length) this.close();
    else if (!options.includes(this.chosen)) this.choose(options[0]);
  }

  async read() {
    const { typed } = this;
    if (typed === undefined || typed === this.taken) return this.close();
    const query = new URLSearchParams({ q: typed, request: this.form.elements.request?.value ?? "" });
    const address = `${this.getAttribute("href")}?${query}`;
    const answer = await fetch(address, { headers: { "HX-Request": "true" } }).catch(() => null);
    const html = answer?.ok && !answer.redirected ? await answer.text() : "";
    if (typed !== this.typed || !this.isConnected) return;
    this.list.innerHTML = html;
    if (this.options.length && document.activeElement === this.text) this.show(this.options[0]);
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
