/* How much of each run the transcript shows: at once here, and remembered for all the reader's pages. */

class DetailChoice extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector("form");
    this.form.addEventListener("change", () => this.choose());
  }

  choose() {
    this.closest(".chat").dataset.detail = this.form.elements.detail.value;
    const body = new URLSearchParams(new FormData(this.form));
    const headers = { "HX-Request": "true" };
    // Without a connection it counts on this page only.
    fetch(this.form.action, { method: "POST", headers, body, keepalive: true }).catch(() => {});
  }
}

customElements.define("detail-choice", DetailChoice);
