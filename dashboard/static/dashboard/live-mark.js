/* Shows whether the page is live and, without a socket, the time of the last update from the server. */

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
