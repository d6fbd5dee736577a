/* The button Stop replaces Send while a run is running and nothing is typed. The cards of runs show when
   a run begins or stops running; the server says which runs the viewer may stop. The server's response
   may be older or newer than the cards, so it is requested again while the two differ. */

const AT_WORK = ["queued", "running", "retrying"];
const PATIENCE = 2000;

class ChatStop extends HTMLElement {
  connectedCallback() {
    const list = document.querySelector(".transcript__list");
    if (!list) return;
    this.known ??= atWork(list);
    this.observer = new MutationObserver(() => this.look(list));
    this.observer.observe(list, { subtree: true, childList: true, attributeFilter: ["data-look"] });
    this.timer = setTimeout(() => this.isStale && this.ask(), PATIENCE);
  }

  disconnectedCallback() {
    this.observer?.disconnect();
    clearTimeout(this.timer);
  }

  look(list) {
    const now = atWork(list);
    if (now === this.known && !this.isStale) return;
    this.known = now;
    this.ask();
  }

  ask() {
    window.htmx?.trigger(this, "refresh");
  }

  /** True if the button offers to stop a run that isn't running by its card in this transcript. */
  get isStale() {
    const runs = (this.getAttribute("runs") ?? "").split(" ").filter(Boolean);
    const cards = runs.map((run) => document.getElementById(`run-card-${run}`));
    return cards.some((card) => card && !AT_WORK.includes(card.dataset.look));
  }
}

function atWork(list) {
  const cards = [...list.querySelectorAll(".run-card")];
  return cards.filter(({ dataset }) => AT_WORK.includes(dataset.look)).map(({ id }) => id).join();
}

customElements.define("chat-stop", ChatStop);
