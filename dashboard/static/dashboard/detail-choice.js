/* How much of each run the transcript shows: at once here, and remembered for all the reader's pages. */

class DetailChoice extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector("form");
    this.slider = this.querySelector("[type=range]");
    this.slider.addEventListener("input", () => this.show());
    this.slider.addEventListener("change", () => this.send());
    this.show();
  }

  get stop() {
    return this.querySelector("datalist").options[this.slider.value];
  }

  show() {
    const { stop } = this;
    this.closest(".chat").dataset.detail = stop.dataset.name;
    this.slider.setAttribute("aria-valuetext", stop.text);
    this.querySelector(".detail__chosen").textContent = stop.text;
  }

  /** One at a time: else the choice before could be remembered last. */
  async send() {
    this.isStale = true;
    if (this.isSending) return;
    this.isSending = true;
    while (this.isStale) {
      this.isStale = false;
      const body = new URLSearchParams(new FormData(this.form));
      body.set("detail", this.stop.dataset.name);
      const headers = { "HX-Request": "true" };
      // Without a connection it counts on this page only.
      await fetch(this.form.action, { method: "POST", headers, body, keepalive: true }).catch(() => {});
    }
    this.isSending = false;
  }
}

customElements.define("detail-choice", DetailChoice);
