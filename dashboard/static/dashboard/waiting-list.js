/* The cards that wait for somebody, read again when the doorbell rings: what is open stays as it is
   with all that was typed, what was closed turns into its receipt, what is new comes last. */

const GATHER = 300;

class WaitingList extends HTMLElement {
  connectedCallback() {
    this.listener = () => this.readSoon();
    document.addEventListener("live", this.listener);
  }

  disconnectedCallback() {
    document.removeEventListener("live", this.listener);
    clearTimeout(this.timer);
  }

  readSoon() {
    this.timer ??= setTimeout(() => {
      this.timer = null;
      this.read();
    }, GATHER);
  }

  get cards() {
    return [...this.querySelectorAll(".request")];
  }

  async read() {
    const shown = this.cards.map((card) => ["shown", card.id.replace("request-", "")]);
    const address = `${this.getAttribute("href")}?${new URLSearchParams(shown)}`;
    const answer = await fetch(address, { headers: { "HX-Request": "true" } }).catch(() => null);
    if (!answer?.ok || answer.redirected) return;
    const template = document.createElement("template");
    template.innerHTML = await answer.text();
    for (const fresh of [...template.content.children]) this.place(fresh);
  }

  place(fresh) {
    const old = document.getElementById(fresh.id);
    if (old?.dataset.status === fresh.dataset.status) return;
    if (old) {
      const detail = { old, fresh };
      const event = new CustomEvent("live:replace", { bubbles: true, cancelable: true, detail });
      if (old.dispatchEvent(event)) old.replaceWith(fresh);
    } else {
      this.querySelector("[data-when]").before(fresh);
    }
    if (fresh.isConnected) window.htmx?.process(fresh);
  }
}

customElements.define("waiting-list", WaitingList);
