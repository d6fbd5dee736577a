/* Enter sends, Escape talks freely, what was sent appears at once and, without a connection, waits. */

const RETRY = 3000;

class ChatComposer extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector("form");
    this.text = this.querySelector("textarea");
    this.told = this.querySelector("[role=status]");
    this.placeSent();
    this.text.addEventListener("keydown", (event) => this.onKey(event));
    this.form.addEventListener("htmx:beforeRequest", (event) => this.keepQuestion(event));
    this.form.addEventListener("htmx:afterSettle", () => this.takeHint());
    this.form.addEventListener("htmx:responseError", (event) => this.refuse(event));
    this.form.addEventListener("htmx:sendError", (event) => this.waitForConnection(event));
  }

  disconnectedCallback() {
    clearTimeout(this.timer);
  }

  onKey(event) {
    if (event.key === "Escape") this.talkFreely();
    const isPlain = !event.shiftKey && !event.altKey && !event.isComposing;
    if (event.key !== "Enter" || !isPlain || matchMedia("(pointer: coarse)").matches) return;
    event.preventDefault();
    if (this.text.value.trim()) this.form.requestSubmit();
  }

  talkFreely() {
    const select = this.form.elements.request;
    if (select) select.value = "";
  }

  takeHint() {
    this.text.placeholder = this.querySelector(".composer__strip").dataset.hint;
  }

  /** A question that comes while somebody types is not the one they are answering. */
  keepQuestion(event) {
    if (event.target === this.form) this.text.readOnly = true;
    else if (this.text.value.trim()) event.preventDefault();
  }

  refuse(event) {
    if (event.target !== this.form) return;
    this.text.readOnly = false;
    this.told.textContent = "This could not be sent. Your words are still here: try again.";
  }

  waitForConnection(event) {
    if (event.target !== this.form) return;
    this.text.readOnly = false;
    this.told.textContent = "No connection: this is sent once, as soon as there is one.";
    this.timer = setTimeout(() => this.form.requestSubmit(), RETRY);
  }

  /** The socket brings it too: the same id, so it stands there once. */
  placeSent() {
    const sent = this.querySelector("template.composer__sent")?.content.firstElementChild;
    if (!sent) return;
    this.text.focus();
    if (!document.getElementById(sent.id)) {
      document.getElementById(sent.dataset.into)?.append(document.importNode(sent, true));
    }
    document.querySelector("transcript-view")?.follow();
  }
}

customElements.define("chat-composer", ChatComposer);
