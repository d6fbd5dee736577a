/* The choice of how much of each run the transcript shows. It is applied at once, and stored for other pages. */

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

  /** Store the choice; only one request runs at a time, so that an earlier choice can't be stored last. */
  async send() {
    this.isStale = true;
    if (this.isSending) return;
    this.isSending = true;
    while (this.isStale) {
      this.isStale = false;
      const body = new URLSearchParams(new FormData(this.form));
      body.set("detail", this.stop.dataset.name);
      const headers = { "HX-Request": "true" };
      // Without a connection, the choice applies only to this page.
      await fetch(this.form.action, { method: "POST", headers, body, keepalive: true }).catch(() => {});
    }
    this.isSending = false;
  }
}

customElements.define("detail-choice", DetailChoice);
