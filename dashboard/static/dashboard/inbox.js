/* The inbox without reloads: a request opens beside the list, the next one follows after an answer, and the list
   is fetched again when the doorbell rings. All links and forms also work without this script.

   No request is answered by itself. If the open request is answered elsewhere, its card doesn't disappear, but
   turns into a receipt with the viewer's draft (kept-words.js). */

const PHONE = matchMedia("(width < 48rem)");
const RECEIPT = 300;
const TOAST = 4000;
const LONGEST_TIMER = 2 ** 31 - 1;

class InboxPage extends ReadAgain {
  static GATHER = 50;

  connectedCallback() {
    super.connectedCallback();
    this.done = this.left = new Set();
    this.arrived = new Set();
    this.addEventListener("click", (event) => this.onClick(event));
    this.addEventListener("submit", (event) => this.onSubmit(event));
    this.addEventListener("rows:chosen", () => this.offerLike());
    this.addEventListener("dialog:done", ({ detail }) => this.onDone(detail.applied));
    this.swapped = (event) => this.onSwap(event);
    document.addEventListener("htmx:afterSettle", this.swapped);
    this.popped = () => location.reload();
    addEventListener("popstate", this.popped);
    this.seen = () => Date.now() >= this.changesAt && this.readSoon(0);
    document.addEventListener("visibilitychange", this.seen);
    this.readInTime();
    this.showChosen();
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    document.removeEventListener("htmx:afterSettle", this.swapped);
    removeEventListener("popstate", this.popped);
    document.removeEventListener("visibilitychange", this.seen);
    clearTimeout(this.changing);
  }

  get list() {
    return document.getElementById("inbox-list");
  }

  get pane() {
    return document.getElementById("inbox-request");
  }

  get card() {
    return this.pane.querySelector(".request");
  }

  get current() {
    return this.card?.id.replace("request-", "") ?? "";
  }

  get links() {
    return [...this.list.querySelectorAll("a[data-open]")];
  }

  get address() {
    const query = new URLSearchParams(location.search);
    query.delete("request");
    if (this.current) {
      query.set("shown", this.current);
      query.set("version", this.card.dataset.version);
    }
    return `${this.getAttribute("href")}?${query}`;
  }

  restAfter(began, ended) {
    return ended + Math.min(RECEIPT, 3 * (ended - began));
  }

  hear({ target }) {
    if (target.stream !== "inbox") return;
    this.isOvertaken = true;
    this.readSoon(InboxPage.GATHER);
  }

  /* Fetched parts */

  take(elements) {
    for (const fresh of elements) {
      if (fresh.id === "inbox-list") this.takeList(fresh);
      else if (fresh.matches(".request")) this.takeCard(fresh);
      else document.getElementById(fresh.id)?.replaceWith(fresh);
    }
  }

  takeList(fresh) {
    const before = new Set(this.rows(this.list).map((row) => row.id));
    const known = new Set([...this.left, this.current]);
    const isNew = ({ id }) => !before.has(id) && !known.has(id.replace("row-", ""));
    const chosen = new Set(this.chosen.map((box) => box.value));
    const focused = document.activeElement?.closest?.(".inbox-row")?.id;
    const top = this.list.scrollTop;
    this.dropDone(fresh);
    this.list.replaceWith(fresh);
    fresh.scrollTop = top;
    for (const box of fresh.querySelectorAll(".inbox-row__box")) box.checked = chosen.has(box.value);
    for (const row of this.rows(fresh).filter(isNew)) {
      row.dataset.new = "";
      this.arrived.add(row.id);
    }
    if (focused) document.getElementById(focused)?.querySelector("a")?.focus({ preventScroll: true });
    this.tellNews();
    this.tellChosen();
    this.readInTime();
    this.mark(this.current);
    if (!this.current && this.links.length && !PHONE.matches) this.open(this.links[0]);
  }

  /** Forget which requests were done; a list that is fetched from now on is right about them. */
  beginReading() {
    this.left = this.done;
    this.done = new Set();
  }

  /** Remove the rows of requests that were answered while this list was being fetched. */
  dropDone(fresh) {
    for (const id of this.done) fresh.querySelector(`#row-${id}`)?.remove();
  }

  rows(list) {
    return [...list.querySelectorAll(".inbox-row")];
  }

  /** Say how many requests are new until the viewer opens one; later fetches don't remove this sentence. */
  tellNews() {
    const rows = this.rows(this.list).filter(({ id }) => this.arrived.has(id));
    const above = rows.filter((row) => row.getBoundingClientRect().top < this.list.getBoundingClientRect().top);
    const name = above.length ? "new-above" : "new-requests";
    this.querySelector(".inbox__news").textContent = rows.length ? textOf(name, { count: above.length || rows.length }) : "";
  }

  takeCard(fresh) {
    const old = document.getElementById(fresh.id);
    if (!old || !replaceLive(old, fresh)) return;
    if (fresh.dataset.status !== "open") this.pane.querySelector(".inbox__more")?.remove();
  }

  /** Fetch the list when a request becomes urgent or overdue, or its snooze ends, since no doorbell rings then.
      Timers stop while a computer sleeps, so the time is also checked when the page becomes visible. */
  readInTime() {
    clearTimeout(this.changing);
    const wait = 1000 * (this.list.dataset.changesIn ?? Infinity);
    this.changesAt = Date.now() + wait;
    if (wait < LONGEST_TIMER) this.changing = setTimeout(() => this.readSoon(0), wait);
  }

  /* Opening */

  onClick(event) {
    const link = event.target.closest("a");
    if (event.target.closest(".inbox__like")) this.pickLike();
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    if (link.dataset.open) this.open(link);
    else if (link.hasAttribute("data-back")) this.back();
    else if (link.hasAttribute("data-focus")) this.focusOn(true);
    else return;
    event.preventDefault();
  }

  async open(link, last = "") {
    this.arrived.clear();
    this.tellNews();
    const query = new URLSearchParams(new URL(link.href).search);
    if (this.hasAttribute("data-focus")) query.set("focus", "1");
    await this.show(`${this.getAttribute("href").replace(/rows$/, "requests/")}${link.dataset.open}`, query, last);
  }

  /** What the bell tells while a card is on its way may be newer than that card. */
  async show(path, query, last) {
    const wanted = (this.wanted = Symbol(path));
    if (last) query.set("last", last);
    this.isOvertaken = false;
    const answer = await fetch(`${path}?${query}`, { headers: { "HX-Request": "true" } }).catch(() => null);
    if (this.wanted !== wanted) return;
    if (!answer?.ok || answer.redirected) {
      location.reload();
      return;
    }
    const template = document.createElement("template");
    template.innerHTML = await answer.text();
    for (const fresh of [...template.content.children]) {
      if (fresh.id === "inbox-last" && !last) continue;
      document.getElementById(fresh.id).replaceWith(fresh);
      window.htmx?.process(fresh);
    }
    query.delete("last");
    this.note(query);
    this.showChosen();
    if (this.isOvertaken) this.readSoon(InboxPage.GATHER);
    this.undoInTime();
    this.pane.querySelector(".inbox__card")?.focus({ preventScroll: true });
  }

  /** Store the open request in the address; on a phone, add a history entry, so that going back shows the list. */
  note(query) {
    const isNew = PHONE.matches && this.dataset.view === "list" && this.current;
    if (this.current) query.set("request", this.current);
    history[isNew ? "pushState" : "replaceState"](null, "", `${location.pathname}?${query}`);
    this.dataset.view = this.current ? "request" : "list";
    if (PHONE.matches) scrollTo(0, 0);
  }

  showChosen() {
    this.pane.scrollTop = 0;
    this.mark(this.current);
  }

  mark(id) {
    for (const link of this.links) {
      const isCurrent = link.dataset.open === id;
      const row = link.closest(".inbox-row");
      if (isCurrent) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
      if (isCurrent) delete row.dataset.unseen;
      if (isCurrent) row.dispatchEvent(new CustomEvent("row:current", { bubbles: true }));
      if (isCurrent) row.scrollIntoView({ block: "nearest" });
    }
  }

  back() {
    if (this.hasAttribute("data-focus")) {
      this.focusOn(false);
      return;
    }
    this.dataset.view = "list";
    const query = new URLSearchParams(location.search);
    query.delete("request");
    history.replaceState(null, "", `${location.pathname}?${query}`);
  }

  focusOn(isOn) {
    this.toggleAttribute("data-focus", isOn);
    const query = new URLSearchParams(location.search);
    if (isOn) query.set("focus", "1");
    else query.delete("focus");
    history.replaceState(null, "", `${location.pathname}?${query}`);
    this.pane.querySelector(".inbox__card")?.focus({ preventScroll: true });
  }

  /* After an answer */

  /** Go on after an answer that was accepted; otherwise, the card stays and says who answered first. */
  onSwap({ detail, target }) {
    const isMine = detail.requestConfig?.verb === "post" && target.closest?.("#inbox-request");
    const isTaken = detail.xhr?.status < 300;
    if (isMine && isTaken && !this.card.querySelector("form.answer")) this.goOn(this.current);
  }

  /** Open the next request; on a phone, the receipt is shown in the place of the card for a moment first. */
  goOn(done) {
    setTimeout(() => this.current === done && this.next(done), PHONE.matches ? RECEIPT : 0);
  }

  async next(done) {
    const links = this.links;
    const place = links.findIndex((link) => link.dataset.open === done);
    const following = links[place + 1] ?? links[place - 1] ?? links.find((link) => link.dataset.open !== done);
    this.done.add(done);
    document.getElementById(`row-${done}`)?.remove();
    if (following) await this.open(following, done);
    else await this.show(this.getAttribute("first"), this.query, done);
    this.readSoon(0);
  }

  get query() {
    const query = new URLSearchParams(location.search);
    query.delete("request");
    return query;
  }

  /** Remove the undo button when it is too late; on a phone, hide the whole line, which covers the card. */
  undoInTime() {
    const last = document.getElementById("inbox-last");
    const form = last.querySelector("[data-undo]");
    const left = form ? Math.max(0, new Date(form.dataset.until) - Date.now()) : TOAST;
    setTimeout(() => {
      form?.remove();
      if (PHONE.matches) last.hidden = true;
    }, left);
  }

  async onSubmit(event) {
    const form = event.target;
    const isOwn = form.matches("[data-undo], [data-leaves], [data-stays]");
    if (!isOwn) return;
    event.preventDefault();
    const body = new FormData(form, event.submitter);
    const answer = await fetch(form.action, { method: "POST", body, headers: { "HX-Request": "true" } }).catch(() => null);
    if (!answer) this.dispatchEvent(new CustomEvent("live:missed", { bubbles: true }));
    else if (form.dataset.undo) await this.reopen(form.dataset.undo);
    else if (!answer.ok) this.querySelector(".inbox__news").textContent = await answer.text();
    else if (form.matches("[data-leaves]")) await this.next(this.current);
    else await this.reopen(this.current);
  }

  /** Show a request in its present state. */
  async reopen(id) {
    this.done.delete(id);
    await this.show(`${this.getAttribute("href").replace(/rows$/, "requests/")}${id}`, this.query, "");
    const last = document.getElementById("inbox-last");
    last.hidden = true;
    last.replaceChildren();
    this.readSoon(0);
  }

  /* Choosing several */

  get boxes() {
    return [...this.querySelectorAll(".inbox-row__box")];
  }

  get chosen() {
    return this.boxes.filter((box) => box.checked);
  }

  pickLike() {
    const like = this.chosen.at(-1)?.closest(".inbox-row").dataset.like;
    for (const box of this.boxes) box.checked ||= box.closest(".inbox-row").dataset.like === like;
    this.tellChosen();
  }

  /** Remove requests that were answered together from the list and the pane. */
  async onDone(applied) {
    for (const box of this.chosen) box.checked = false;
    const isAway = applied.includes(this.current);
    for (const id of applied) {
      this.done.add(id);
      document.getElementById(`row-${id}`)?.remove();
    }
    this.tellChosen();
    if (isAway) await this.show(this.getAttribute("first"), this.query, "");
    this.pane.querySelector(".inbox__card")?.focus({ preventScroll: true });
    this.readSoon(0);
  }

  tellChosen() {
    this.dispatchEvent(new CustomEvent("rows:chosen", { bubbles: true }));
  }

  offerLike() {
    const like = this.chosen.at(-1)?.closest(".inbox-row").dataset.like;
    const others = this.boxes.filter((box) => !box.checked && box.closest(".inbox-row").dataset.like === like);
    this.querySelector(".inbox__like").hidden = !others.length;
  }
}

customElements.define("inbox-page", InboxPage);
