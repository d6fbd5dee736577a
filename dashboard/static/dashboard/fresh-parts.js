/* Parts of a page that are read again when one of the streams it hears has news: what changed takes
   the place of the element with its id, everything else stays as it is.

   <fresh-parts href="/runs/changes" hears="runs inbox" shown=".run-row"></fresh-parts>

   The page's own filters are sent along; `shown` sends the ids of the elements that it matches. */

const GATHER = 300;

class FreshParts extends HTMLElement {
  #last = new Map();
  #timer = 0;
  #isStale = false;

  connectedCallback() {
    const streams = this.getAttribute("hears").split(" ");
    this.hear = ({ target }) => streams.includes(target.stream) && this.readSoon();
    this.see = () => this.#isStale && this.readSoon();
    document.addEventListener("live", this.hear);
    document.addEventListener("visibilitychange", this.see);
  }

  disconnectedCallback() {
    document.removeEventListener("live", this.hear);
    document.removeEventListener("visibilitychange", this.see);
    clearTimeout(this.#timer);
  }

  /** Nobody looks at a hidden page: it is read when it is seen again. One reading at a time. */
  readSoon() {
    this.#isStale = true;
    if (!document.hidden) this.#timer ||= setTimeout(() => this.readAll(), GATHER);
  }

  async readAll() {
    while (this.#isStale && this.isConnected) {
      this.#isStale = false;
      await this.read();
    }
    this.#timer = 0;
  }

  get address() {
    const query = new URLSearchParams(location.search);
    const shown = this.getAttribute("shown");
    for (const element of shown ? document.querySelectorAll(shown) : []) {
      query.append("shown", element.id.slice(-36));
    }
    return `${this.getAttribute("href")}?${query}`;
  }

  async read() {
    const answer = await fetch(this.address, { headers: { "HX-Request": "true" } }).catch(() => null);
    if (!answer?.ok || answer.redirected) return;
    const template = document.createElement("template");
    template.innerHTML = await answer.text();
    for (const fresh of [...template.content.children]) this.place(fresh);
  }

  place(fresh) {
    const html = fresh.outerHTML;
    const old = document.getElementById(fresh.id);
    if (!old || this.#last.get(fresh.id) === html) return;
    this.#last.set(fresh.id, html);
    const detail = { old, fresh };
    old.dispatchEvent(new CustomEvent("live:replace", { bubbles: true, cancelable: true, detail }));
    old.replaceWith(fresh);
  }
}

customElements.define("fresh-parts", FreshParts);
