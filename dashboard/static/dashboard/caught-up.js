/* After the connection was lost, a thin line in the transcript stands above the messages that others
   wrote in the meantime. It counts the messages up to the one that was newest when the first poll
   succeeded or the socket was open again; later messages don't count. */

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

  /** Remember the newest message when a live page loses its connection.

      The state is set to "polling" again after each failed try, so only the first time counts. */
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
