/* The cards that wait for somebody, read again when the doorbell rings: what is open stays as it is
   with all that was typed, what was closed turns into its receipt, what is new comes last. Where it
   would push away what stands below, it waits behind a button in the place kept for it. After a
   reading the page rests for three times as long as it took, at most 300 ms. */

const MOST = 300;
const TIMES = 3;

class WaitingList extends ReadAgain {
  static GATHER = 50;

  connectedCallback() {
    super.connectedCallback();
    this.held = [];
    this.news = this.querySelector(".waiting-list__news");
    this.news.addEventListener("click", () => this.showHeld());
  }

  hear({ target }) {
    if (target.stream === "inbox") this.readSoon(WaitingList.GATHER);
  }

  restAfter(began, ended) {
    return ended + Math.min(MOST, TIMES * (ended - began));
  }

  get cards() {
    return [...this.querySelectorAll(".request")];
  }

  get address() {
    const open = this.cards.filter((card) => card.dataset.status === "open");
    const shown = open.map((card) => ["shown", card.id.replace("request-", "")]);
    return `${this.getAttribute("href")}?${new URLSearchParams(shown)}`;
  }

  take(elements) {
    this.held = [];
    for (const fresh of elements) this.place(fresh);
    this.tellNews();
  }

  place(fresh) {
    const old = document.getElementById(fresh.id);
    if (old?.dataset.status === fresh.dataset.status) return;
    if (old) this.replace(old, fresh);
    else if (this.held.length || this.wouldPush()) this.held.push(fresh);
    else this.add(fresh);
  }

  replace(old, fresh) {
    const detail = { old, fresh };
    const event = new CustomEvent("live:replace", { bubbles: true, cancelable: true, detail });
    if (old.dispatchEvent(event)) old.replaceWith(fresh);
    if (fresh.isConnected) window.htmx?.process(fresh);
  }

  add(fresh) {
    this.querySelector(".waiting-list__end").before(fresh);
    window.htmx?.process(fresh);
  }

  /** Whether something stands below the list, and in view. */
  wouldPush() {
    const { bottom } = this.getBoundingClientRect();
    const below = this.parentElement.nextElementSibling?.getBoundingClientRect();
    return Boolean(below) && below.top >= bottom && below.top < innerHeight;
  }

  tellNews() {
    const count = this.held.length;
    const isFirst = !this.querySelector('.request[data-status="open"]');
    this.toggleAttribute("data-news", count > 0);
    this.news.textContent = count ? textOf(isFirst ? "waiting" : "waiting-more", { count }) : "";
  }

  showHeld() {
    const [first] = this.held;
    for (const fresh of this.held.splice(0)) this.add(fresh);
    this.tellNews();
    first?.querySelector(".request__prompt a").focus({ preventScroll: true });
    first?.scrollIntoView({ block: "nearest" });
  }
}

customElements.define("waiting-list", WaitingList);
