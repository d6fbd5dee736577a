/* A transcript that stays scrolled to the newest message while it is at its end, and marks each new day. */

const NEAR = 120;

class TranscriptView extends HTMLElement {
  connectedCallback() {
    this.list = this.querySelector(".transcript__list");
    if (!location.hash || location.hash === "#latest") this.toEnd();
    this.isAtEnd = !this.focusLinked() && this.distance < NEAR;
    this.note();
    this.addEventListener("scroll", () => this.onScroll(), { passive: true });
    this.mutations = new MutationObserver((records) => this.take(records));
    this.mutations.observe(this.list, { childList: true });
    this.sizes = new ResizeObserver(() => this.isAtEnd && this.toEnd());
    this.sizes.observe(this.list);
    this.sizes.observe(this);
  }

  /** Focus the message to which the address leads, where reading by keyboard begins; the browser scrolls there. */
  focusLinked() {
    // Found by its id, because this runs before the browser has found the target.
    const linked = document.getElementById(location.hash.slice(1));
    if (!linked?.matches(".message")) return false;
    linked.tabIndex = -1;
    linked.focus({ preventScroll: true });
    return true;
  }

  disconnectedCallback() {
    this.mutations.disconnect();
    this.sizes.disconnect();
  }

  get distance() {
    return this.scrollHeight - this.scrollTop - this.clientHeight;
  }

  /** Leave the end only if a person scrolls up, not if content grows or shrinks. */
  onScroll() {
    const isUp = this.scrollTop < this.top && this.scrollHeight >= this.height;
    if (this.distance < NEAR) this.isAtEnd = true;
    else if (isUp) this.isAtEnd = false;
    this.note();
  }

  note() {
    [this.top, this.height] = [this.scrollTop, this.scrollHeight];
  }

  follow() {
    this.isAtEnd = true;
    this.toEnd();
  }

  /** Scroll to the end of a part, or to its beginning if it is longer than the view. */
  bring(part) {
    const isLong = part.offsetHeight > this.clientHeight;
    this.isAtEnd = !isLong;
    part.scrollIntoView({ block: isLong ? "start" : "end" });
    this.note();
  }

  toEnd() {
    this.scrollTop = this.scrollHeight;
    this.note();
  }

  take(records) {
    for (const { addedNodes } of records) {
      for (const node of addedNodes) {
        this.putInOrder(node);
        this.separate(node);
      }
    }
    this.nameDaysOnce();
    if (this.isAtEnd) this.toEnd();
  }

  /** Move a message before newer ones; the viewer's own message may be shown before earlier ones arrive. */
  putInOrder(node) {
    const isAfter = (other) => Number(other?.dataset.seq) > Number(node.dataset?.seq);
    let before = node.previousElementSibling;
    while (isAfter(before)) before = before.previousElementSibling;
    if (before && before !== node.previousElementSibling) before.after(node);
  }

  /** Remove repeated dates; earlier messages may be of a day whose date already stands below them. */
  nameDaysOnce() {
    const named = new Set();
    for (const time of this.list.querySelectorAll(".transcript__day time")) {
      if (named.has(time.dateTime)) time.parentElement.remove();
      named.add(time.dateTime);
    }
  }

  separate(node) {
    const before = node.previousElementSibling;
    if (node !== this.list.lastElementChild || !before?.dataset.day) return;
    if (!node.dataset?.day || node.dataset.day === before.dataset.day) return;
    const line = document.createElement("p");
    line.className = "transcript__day";
    const { lang } = document.documentElement;
    line.textContent = new Intl.DateTimeFormat(lang, { dateStyle: "full" }).format(new Date());
    node.before(line);
  }
}

customElements.define("transcript-view", TranscriptView);
