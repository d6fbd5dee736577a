/* The base of elements that fetch their content again when a stream has news. There is one reading
   at a time: what rings meanwhile is read by the next one, after a rest. */

window.ReadAgain = class extends HTMLElement {
  #timer = 0;
  #due = Infinity;
  #restsUntil = 0;
  isStale = false;

  connectedCallback() {
    this.listener = (event) => this.hear(event);
    document.addEventListener("live", this.listener);
  }

  disconnectedCallback() {
    document.removeEventListener("live", this.listener);
    clearTimeout(this.#timer);
  }

  /** What comes while the page reads may be newer than what it gets: then it reads once more. */
  get isReading() {
    return this.#due === 0;
  }

  readSoon(pause) {
    this.isStale = true;
    const due = Math.max(Date.now() + pause, this.#restsUntil);
    if (due >= this.#due) return;
    clearTimeout(this.#timer);
    this.#due = due;
    this.#timer = setTimeout(() => this.#read(), due - Date.now());
  }

  /** Called before each reading, which brings all that was done until then. */
  beginReading() {}

  async #read() {
    this.isStale = false;
    this.#due = 0;
    this.beginReading();
    const began = Date.now();
    const elements = await this.#fetch();
    if (elements) this.take(elements);
    this.#restsUntil = this.restAfter(began, Date.now());
    this.#due = Infinity;
    if (this.isStale && this.isConnected) this.readSoon(this.constructor.GATHER);
  }

  async #fetch() {
    const answer = await fetch(this.address, { headers: { "HX-Request": "true" } }).catch(() => null);
    const isRead = answer?.ok && !answer.redirected;
    const html = isRead ? await answer.text().catch(() => null) : null;
    if (html === null) {
      this.dispatchEvent(new CustomEvent("live:missed", { bubbles: true }));
      return null;
    }
    return this.elementsOf(html);
  }

  elementsOf(html) {
    const template = document.createElement("template");
    template.innerHTML = html;
    return [...template.content.children];
  }
};
