/* Parts of a page that are read again when one of the streams it hears has news: what changed takes
   the place of the element with its id, everything else stays as it is.

   <fresh-parts href="/runs/changes" hears="runs inbox" shown=".run-row"></fresh-parts>

   The page's own filters are sent along; `shown` sends the ids of the elements that it matches. Of
   other runs than these, only newer ones are news for the page; else nothing but its counts change,
   and they can wait.

   A bell rings for many people within 300 ms: the lists of what waits for them, which need an
   answer, are read by all of them first. After a reading the page rests for ten times
   as long as it took, so that a busy server gets the fewer of them the busier it is. */

const GATHER = 300;
const LEAST = 1000;
const MOST = 1500;
const TIMES = 10;
const LATER = 10000;

class FreshParts extends HTMLElement {
  #last = new Map();
  #timer = 0;
  #due = Infinity;
  #readAt = 0;
  #rest = LEAST;
  #isStale = false;

  connectedCallback() {
    const streams = this.getAttribute("hears").split(" ");
    this.hear = ({ target, detail }) => {
      if (streams.includes(target.stream)) this.readSoon(this.concerns(detail) ? GATHER : LATER);
    };
    this.see = () => this.#isStale && this.readSoon();
    document.addEventListener("live", this.hear);
    document.addEventListener("visibilitychange", this.see);
  }

  disconnectedCallback() {
    document.removeEventListener("live", this.hear);
    document.removeEventListener("visibilitychange", this.see);
    clearTimeout(this.#timer);
  }

  get shown() {
    const shown = this.getAttribute("shown");
    const elements = shown ? [...document.querySelectorAll(shown)] : [];
    return elements.map(({ id }) => id.slice(-36));
  }

  /** The ids of runs are in the order of their starts. */
  concerns({ runs }) {
    if (!runs || !this.hasAttribute("shown")) return true;
    const shown = this.shown.sort();
    const isNewest = !new URLSearchParams(location.search).has("after");
    return runs.some((run) => shown.includes(run) || (isNewest && !(run < shown[0])));
  }

  /** Nobody looks at a hidden page: it is read when it is seen again. One reading at a time, and a
      rest of one to one and a half seconds from one to the next. */
  readSoon(pause = GATHER) {
    this.#isStale = true;
    const due = Math.max(Date.now() + pause, this.#readAt + this.#rest);
    if (document.hidden || due >= this.#due) return;
    clearTimeout(this.#timer);
    this.#due = due;
    this.#timer = setTimeout(() => this.readAll(), due - Date.now());
  }

  async readAll() {
    this.#isStale = false;
    this.#readAt = Date.now();
    this.#due = 0;
    await this.read();
    this.#rest = Math.min(MOST, Math.max(LEAST, TIMES * (Date.now() - this.#readAt)));
    this.#due = Infinity;
    if (this.#isStale && this.isConnected) this.readSoon();
  }

  get address() {
    const query = new URLSearchParams(location.search);
    for (const id of this.shown) query.append("shown", id);
    return `${this.getAttribute("href")}?${query}`;
  }

  async read() {
    const answer = await fetch(this.address, { headers: { "HX-Request": "true" } }).catch(() => null);
    const isRead = answer?.ok && !answer.redirected;
    const html = isRead ? await answer.text().catch(() => null) : null;
    if (html === null) {
      this.dispatchEvent(new CustomEvent("live:missed", { bubbles: true }));
      return;
    }
    const template = document.createElement("template");
    template.innerHTML = html;
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
