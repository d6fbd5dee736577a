/* After the connection was lost: a thin line in the transcript, above what others said meanwhile. It
   counts the messages up to the one that was the newest when the first poll succeeded, or when there
   was a socket again: what is said later isn't caught up with. */

class CaughtUp extends HTMLElement {
  connectedCallback() {
    this.list = this.parentElement.querySelector(".transcript__list");
    this.stream = document.getElementById("session-stream");
    this.newest = -1;
    this.states = new MutationObserver(() => this.hear(document.documentElement.dataset.live));
    this.states.observe(document.documentElement, { attributeFilter: ["data-live"] });
    this.messages = new MutationObserver((records) => this.take(records));
    this.messages.observe(this.list, { childList: true });
    this.stream.addEventListener("live:newest", ({ detail }) => this.reach(detail));
    this.hear(document.documentElement.dataset.live);
  }

  disconnectedCallback() {
    this.states.disconnect();
    this.messages.disconnect();
  }

  /** A page says "polling" again after each try; only what was live before has lost something. */
  hear(state) {
    if (state === "live") {
      this.wasLive = true;
    } else if (this.wasLive) {
      this.wasLive = false;
      this.known = this.stream.cursor;
      this.newest = Infinity;
      this.line = null;
      this.found = new Set();
    }
  }

  reach(newest) {
    if (this.newest === Infinity) this.newest = newest;
  }

  take(records) {
    const added = records.flatMap(({ addedNodes }) => [...addedNodes]).filter((node) => this.isNews(node));
    for (const node of added) this.found.add(node.id);
    if (added.length) this.draw(added[0]);
  }

  isNews(node) {
    if (!node.matches?.(".message") || node.dataset.author === this.getAttribute("viewer")) return false;
    const seq = Number(node.dataset.seq);
    return seq > this.known && seq <= this.newest;
  }

  draw(first) {
    if (!this.line) {
      this.line = document.createElement("p");
      this.line.className = "transcript__line";
      this.line.dataset.day = first.dataset.day;
      first.before(this.line);
    }
    this.line.textContent = textOf("reconnected", { count: this.found.size });
  }
}

customElements.define("caught-up", CaughtUp);
