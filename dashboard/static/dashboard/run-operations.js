/* The buttons of a run's page belong to the person who looks, the rest of the page is pushed to
   everybody: once the run is in another phase, the buttons are fetched again, but never while one
   of their dialogs is open. */

class RunOperations extends HTMLElement {
  connectedCallback() {
    this.look = () => this.update();
    document.addEventListener("live", this.look);
    this.addEventListener("toggle", this.look, true);
  }

  disconnectedCallback() {
    document.removeEventListener("live", this.look);
  }

  get isOpen() {
    return this.querySelector("[popover]:popover-open") !== null;
  }

  get isCurrent() {
    const now = document.querySelector(".run-now")?.dataset.phase;
    return !now || now === this.querySelector(".operations").dataset.phase;
  }

  async update() {
    if (this.isBusy || this.isOpen || this.isCurrent) return;
    this.isBusy = true;
    const answer = await fetch(this.getAttribute("href")).catch(() => null);
    if (answer?.ok && !answer.redirected) this.take(await answer.text());
    this.isBusy = false;
  }

  take(html) {
    if (this.isOpen) return;
    const template = document.createElement("template");
    template.innerHTML = html;
    const hadFocus = this.contains(document.activeElement);
    this.replaceChildren(template.content);
    if (hadFocus) this.querySelector("button")?.focus({ preventScroll: true });
  }
}

customElements.define("run-operations", RunOperations);
