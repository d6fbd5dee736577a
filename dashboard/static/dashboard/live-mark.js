/* Says whether the page is live; without a socket, when it last heard from the server. */

class LiveMark extends HTMLElement {
  connectedCallback() {
    this.clock = this.querySelector("local-time");
    this.hear = () => {
      this.clock.at = new Date();
      this.clock.update();
    };
    document.addEventListener("live", this.hear);
  }

  disconnectedCallback() {
    document.removeEventListener("live", this.hear);
  }
}

customElements.define("live-mark", LiveMark);
