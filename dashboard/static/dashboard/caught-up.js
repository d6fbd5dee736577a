/* After the connection was lost: a thin line in the transcript, above what others said meanwhile. It
   comes with the first poll that succeeds, or once there is a socket again. */

const CATCHING_UP = 5000;
const FOLLOWING = 2000;

class CaughtUp extends HTMLElement {
  connectedCallback() {
    this.list = this.parentElement.querySelector(".transcript__list");
    this.until = 0;
    this.states = new MutationObserver(() => this.hear(document.documentElement.dataset.live));
    this.states.observe(document.documentElement, { attributeFilter: ["data-live"] });
    this.messages = new MutationObserver((records) => this.take(records));
    this.messages.observe(this.list, { childList: true });
    this.hear(document.documentElement.dataset.live);
  }

  disconnectedCallback() {
    this.states.disconnect();
    this.messages.disconnect();
  }

  /** A page says "polling" again after each try; only what was live before has lost something. */
  hear(state) {
    if (state === "live") {
      if (this.isCut) this.until = Date.now() + CATCHING_UP;
      this.isCut = false;
      this.wasLive = true;
    } else if (this.wasLive) {
      this.isCut = true;
      this.wasLive = false;
      this.until = Infinity;
      this.line = null;
      this.found = new Set();
    }
  }

  take(records) {
    if (Date.now() > this.until) return;
    const added = records.flatMap(({ addedNodes }) => [...addedNodes]);
    for (const node of added) if (this.isNews(node)) this.found.add(node.id);
    if (!this.found.size) return;
    this.draw(added.find((node) => this.found.has(node.id)));
    if (this.isCut) this.until = Date.now() + FOLLOWING;
  }

  isNews(node) {
    return node.matches?.(".message") && node.dataset.author !== this.getAttribute("viewer");
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
