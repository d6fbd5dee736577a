/* Parts of a page that are fetched again when one of the streams in `hears` has news. Each changed part
   replaces the element with its id; everything else stays as it is.

   <fresh-parts href="/runs/changes" hears="runs inbox" shown=".run-row"></fresh-parts>
   <fresh-parts href="/overview" hears="runs" brought="overview"></fresh-parts>

   The page's query string is sent along, and the ids of the elements that `shown` matches. Changes to other
   runs matter only if these runs are newer; otherwise, only counts change, and the page waits longer. If a
   frame contains the parts under the name that `brought` gives, nothing is fetched.

   With `every`, the parts are also fetched at this interval in seconds, for changes without any news.

   A doorbell rings for many people within 300 ms; the pause lets all of them fetch the requests that wait for
   them first. After a request, the page rests for ten times as long as the request took, so that a busy
   server gets fewer requests. */

const LEAST = 1000;
const MOST = 1500;
const TIMES = 10;
const LATER = 10000;

class FreshParts extends ReadAgain {
  static GATHER = 300;

  #last = new Map();

  connectedCallback() {
    super.connectedCallback();
    this.see = () => this.isStale && this.readSoon(FreshParts.GATHER);
    document.addEventListener("visibilitychange", this.see);
    const every = 1000 * this.getAttribute("every");
    this.timer = every && setInterval(() => this.readSoon(0), every);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    clearInterval(this.timer);
    document.removeEventListener("visibilitychange", this.see);
  }

  hear({ target, detail }) {
    const streams = this.getAttribute("hears").split(" ");
    if (!streams.includes(target.stream)) return;
    const brought = detail[this.getAttribute("brought")];
    if (brought) this.take(this.elementsOf(brought));
    if (this.isReading || !brought) this.readSoon(this.concerns(detail) ? FreshParts.GATHER : LATER);
  }

  get shown() {
    const shown = this.getAttribute("shown");
    const elements = shown ? [...document.querySelectorAll(shown)] : [];
    return elements.map(({ id }) => id.slice(-36));
  }

  /** Return true if a frame matters to the shown runs; ids of runs are in the order of their starts. */
  concerns({ runs }) {
    if (!runs || !this.hasAttribute("shown")) return true;
    const shown = this.shown.sort();
    const isNewest = !new URLSearchParams(location.search).has("after");
    return runs.some((run) => shown.includes(run) || (isNewest && !(run < shown[0])));
  }

  /** Fetch the parts soon; on a hidden page, fetch them when it is visible again. */
  readSoon(pause) {
    if (document.hidden) this.isStale = true;
    else super.readSoon(pause);
  }

  restAfter(began, ended) {
    return began + Math.min(MOST, Math.max(LEAST, TIMES * (ended - began)));
  }

  get address() {
    const query = new URLSearchParams(location.search);
    for (const id of this.shown) query.append("shown", id);
    return `${this.getAttribute("href")}?${query}`;
  }

  take(elements) {
    for (const fresh of elements) this.place(fresh);
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
