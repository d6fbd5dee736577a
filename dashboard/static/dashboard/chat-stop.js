/* Stop stands in the place of Send while a run works and nothing is typed. The cards tell when a run
   begins or ceases to work; the server says if the viewer may stop it. */

const AT_WORK = ["queued", "running", "retrying"];

class ChatStop extends HTMLElement {
  connectedCallback() {
    const list = document.querySelector(".transcript__list");
    if (!list) return;
    this.known ??= atWork(list);
    this.observer = new MutationObserver(() => this.look(list));
    this.observer.observe(list, { subtree: true, childList: true, attributeFilter: ["data-look"] });
  }

  disconnectedCallback() {
    this.observer?.disconnect();
  }

  look(list) {
    const now = atWork(list);
    if (now === this.known) return;
    this.known = now;
    window.htmx?.trigger(this, "refresh");
  }
}

function atWork(list) {
  const cards = [...list.querySelectorAll(".run-card")];
  return cards.filter(({ dataset }) => AT_WORK.includes(dataset.look)).map(({ id }) => id).join();
}

customElements.define("chat-stop", ChatStop);
