/* The choice of how much of each run the transcript shows. It is applied at once, and stored for other pages.
   On a phone, the slider is among the details. Both sliders always have the same value. */

class DetailChoice extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector("form");
    this.slider = this.querySelector("[type=range]");
    this.slider.addEventListener("input", () => this.show());
    this.slider.addEventListener("change", () => this.send());
    this.show();
  }

  get stop() {
    return this.querySelector("datalist").options[this.querySelector("[type=range]").value];
  }

  /** Apply the choice to the page and to both sliders. */
  show() {
    const chat = this.closest(".chat");
    chat.dataset.detail = this.stop.dataset.name;
    for (const one of chat.querySelectorAll("detail-choice")) one.stand?.(this.slider.value);
  }

  stand(value) {
    const slider = this.querySelector("[type=range]");
    slider.value = value;
    slider.setAttribute("aria-valuetext", this.stop.text);
    this.querySelector(".detail__chosen").textContent = this.stop.text;
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
