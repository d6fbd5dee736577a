/* The cards of requests that wait for the viewer. Open cards stay as they are, with everything typed in
   them; closed ones turn into receipts, and new ones are added at the end. If a new card would push down
   visible content below the list, it is held back until somebody presses a button in the space reserved
   for it, or the link that `opener` selects.

   A frame of the inbox contains the changed cards, and the ids of all waiting requests. The list is
   fetched only if it shows other requests after that. After a request, the page rests for three times
   as long as the request took, at most 300 ms. */

const MOST = 300;
const TIMES = 3;

class WaitingList extends ReadAgain {
  static GATHER = 50;

  connectedCallback() {
    super.connectedCallback();
    this.held = [];
    this.news = this.querySelector(".waiting-list__news");
    this.news.addEventListener("click", () => this.showHeld());
    this.addEventListener("click", (event) => this.onClick(event));
    this.addEventListener("htmx:afterSwap", () => this.afterAnswer());
    this.opened = (event) => this.onOpener(event);
    document.addEventListener("click", this.opened);
    this.unfolded = new Set([...this.querySelectorAll("[data-unfolded]")].map(({ id }) => id));
    this.mark();
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    document.removeEventListener("click", this.opened);
  }

  onOpener(event) {
    const opener = this.getAttribute("opener");
    const isOther = !opener || event.ctrlKey || event.metaKey || event.shiftKey;
    if (isOther || !this.held.length || !event.target.closest?.(opener)) return;
    event.preventDefault();
    this.showHeld();
  }

  /** Unfold a row when its head is pressed, and fold it at the next press. */
  onClick(event) {
    const { target } = event;
    const head = target.closest(".request__head");
    const card = head?.closest(".request");
    const isFolded = card && !this.unfolded.has(card.id);
    const isOther = target.closest("a, button") && !target.closest(".request__toggle");
    const isPrompt = isFolded && target.closest(".request__prompt") && !event.ctrlKey && !event.metaKey;
    if (!head || (isOther && !isPrompt)) return;
    event.preventDefault();
    if (isFolded) this.unfolded.add(card.id);
    else this.unfolded.delete(card.id);
    this.mark();
  }

  /** Unfold the next row after an answer; if the answer was refused, its form stays open.

      The card in the response may be older than one that was pushed in the meantime. */
  afterAnswer() {
    if (this.isOvertaken) this.readSoon(WaitingList.GATHER);
    this.isOvertaken = false;
    const open = this.cards.filter(({ dataset }) => dataset.status === "open");
    const isAnswered = this.cards.some(({ id, dataset }) => this.unfolded.has(id) && dataset.status !== "open");
    for (const { id, dataset } of this.cards) if (dataset.status !== "open") this.unfolded.delete(id);
    const isNone = !open.some(({ id }) => this.unfolded.has(id));
    if (isAnswered && isNone && open.length) this.unfolded.add(open[0].id);
    this.mark();
  }

  mark() {
    for (const card of this.cards) {
      const isUnfolded = this.unfolded.has(card.id);
      card.toggleAttribute("data-unfolded", isUnfolded);
      if (card.dataset.status === "open") this.toggleOf(card).setAttribute("aria-expanded", isUnfolded);
    }
  }

  toggleOf(card) {
    const known = card.querySelector(".request__toggle");
    if (known) return known;
    const toggle = document.createElement("button");
    toggle.type = "button";
    toggle.className = "request__toggle";
    toggle.setAttribute("aria-label", textOf("unfold"));
    toggle.setAttribute("aria-describedby", card.getAttribute("aria-labelledby"));
    card.querySelector(".request__head").append(toggle);
    return toggle;
  }

  hear({ target, detail }) {
    if (target.stream !== "inbox") return;
    for (const fresh of this.elementsOf(detail.cards ?? "")) this.bring(fresh);
    this.tellNews();
    if (this.isReading || !this.shows(detail.waiting)) this.readSoon(WaitingList.GATHER);
  }

  bring(fresh) {
    this.held = this.held.filter(({ id }) => id !== fresh.id);
    const isNews = fresh.dataset.status === "open" || document.getElementById(fresh.id);
    if (isNews) this.place(this.ownFor(fresh));
  }

  /** Add the viewer's CSRF token and draft names to a card that was drawn for several people. */
  ownFor(fresh) {
    const token = document.querySelector("[name=csrfmiddlewaretoken]");
    for (const form of fresh.querySelectorAll("form[method=post]")) form.prepend(token.cloneNode());
    for (const draft of fresh.querySelectorAll("keep-draft")) {
      draft.setAttribute("name", draft.getAttribute("name") + this.getAttribute("viewer"));
    }
    return fresh;
  }

  shows(waiting) {
    const open = [...this.cards, ...this.held].filter((card) => card.dataset.status === "open");
    const shown = new Set(open.map(({ id }) => id.slice(-36)));
    return waiting?.length === shown.size && waiting.every((id) => shown.has(id));
  }

  restAfter(began, ended) {
    return ended + Math.min(MOST, TIMES * (ended - began));
  }

  get cards() {
    return [...this.querySelectorAll(".request")];
  }

  get address() {
    const open = this.cards.filter((card) => card.dataset.status === "open");
    const shown = open.map((card) => ["shown", `${card.id.replace("request-", "")}:${card.dataset.version}`]);
    return `${this.getAttribute("href")}?${new URLSearchParams(shown)}`;
  }

  take(elements) {
    this.held = [];
    for (const fresh of elements) this.place(fresh);
    this.tellNews();
  }

  place(fresh) {
    const old = document.getElementById(fresh.id);
    if (old?.dataset.status === fresh.dataset.status) this.renew(old, fresh);
    else if (old) this.replace(old, fresh);
    else if (this.held.length || this.wouldPush()) this.held.push(fresh);
    else this.add(fresh);
  }

  /** Replace only the changed parts of an open card, such as its votes, so that the text typed in it stays. */
  renew(old, fresh) {
    if (old.querySelector(".htmx-request")) this.isOvertaken = true;
    for (const part of fresh.querySelectorAll("[data-renewed]")) {
      old.querySelector(`[data-renewed="${part.dataset.renewed}"]`)?.replaceWith(part);
    }
    old.dataset.version = fresh.dataset.version ?? "";
  }

  replace(old, fresh) {
    replaceLive(old, fresh);
    this.mark();
  }

  add(fresh) {
    const isFirst = !this.querySelector('.request[data-status="open"]');
    this.querySelector(".waiting-list__end").before(fresh);
    window.htmx?.process(fresh);
    if (isFirst && fresh.dataset.status === "open") this.unfolded.add(fresh.id);
    this.mark();
  }

  /** Return true if there is visible content below the list. */
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
