/* After the connection was lost: a thin line in the transcript, above what others said meanwhile. */

const CATCHING_UP = 2000;

class CaughtUp extends HTMLElement {
  connectedCallback() {
    this.list = this.parentElement.querySelector(".transcript__list");
    this.until = 0;
    this.states = new MutationObserver(() => this.hear(document.documentElement.dataset.live));
    this.states.observe(document.documentElement, { attributeFilter: ["data-live"] });
    this.messages = new MutationObserver((records) => this.take(records));
    this.messages.observe(this.list, { childList: true });
  }

  disconnectedCallback() {
    this.states.disconnect();
    this.messages.disconnect();
  }

  hear(state) {
    if (state === "live" && this.isCut) {
      this.until = Date.now() + CATCHING_UP;
      this.line = null;
      this.found = new Set();
    }
    this.isCut = state === "polling";
  }

  take(records) {
    if (Date.now() > this.until) return;
    const added = records.flatMap(({ addedNodes }) => [...addedNodes]);
    for (const node of added) if (this.isNews(node)) this.found.add(node.id);
    if (this.found.size) this.draw(added.find((node) => this.found.has(node.id)));
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
