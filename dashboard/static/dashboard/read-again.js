/* The base class of elements that fetch their content again when a stream has news. Only one request
   runs at a time; news that arrives in the meantime causes another request, after a rest. */

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

  /** True while a request is running; news that arrives then may be missing in its response. */
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

  /** A hook that is called before each request; its response contains everything done before. */
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
