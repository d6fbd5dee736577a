/* Messages that were written without a connection. They stand below the transcript with a clock, and are sent in
   order, each once, as soon as there is a connection, even if the page was closed in the meantime. A message
   that the server refuses stays here with the reason until its author discards it. */

const RETRY = 3000;

class ChatOutbox extends HTMLElement {
  connectedCallback() {
    this.keyStart = `outbox:${this.getAttribute("name")}:`;
    const kept = read(this.keyStart);
    for (const message of kept) this.show(message);
    this.waiting = kept.filter((message) => !isRefused(message));
    this.addEventListener("click", ({ target }) => this.discard(target.closest(".outbox__discard")));
    addEventListener("online", () => this.sendSoon(0));
    if (!this.isEmpty) this.sendSoon(0);
  }

  disconnectedCallback() {
    clearTimeout(this.timer);
  }

  get isEmpty() {
    return this.waiting.length === 0;
  }

  take(taken) {
    const message = { ...taken, at: Date.now() };
    this.waiting.push(message);
    this.keep(message);
    this.show(message);
    this.sendSoon(RETRY);
  }

  show(message) {
    const piece = document.importNode(this.querySelector("template").content, true);
    piece.querySelector(".message__text").textContent = [message.text, ...(message.names ?? [])].join("\n").trim();
    piece.firstElementChild.dataset.key = message.client_key;
    this.append(piece);
    if (isRefused(message)) this.showRefusal(message);
    document.querySelector("transcript-view")?.follow?.();
  }

  sendSoon(pause) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.sendAll(), pause);
  }

  /** Send all waiting messages. Only one call does so at a time: two would send the same message and each remove
      one from the queue, so the next message would never be sent. New messages are sent by the same call. */
  async sendAll() {
    if (this.isSending) return;
    this.isSending = true;
    try {
      while (!this.isEmpty && this.isConnected && (await this.sendFirst()));
    } finally {
      this.isSending = false;
    }
  }

  /** Send the oldest message; return true unless it has to be sent again later. */
  async sendFirst() {
    const [message] = this.waiting;
    const answer = await this.post(message).catch(() => null);
    if (answer?.redirected) return location.reload();
    const html = answer && answer.status < 500 ? await answer.text().catch(() => null) : null;
    if (html === null) return this.sendSoon(RETRY);
    const composer = document.createElement("template");
    composer.innerHTML = html;
    this.waiting.shift();
    this.tell(message, composer.content, answer.ok);
    return true;
  }

  post({ at: _, names: __, refused: ___, files = [], ...message }) {
    const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
    const headers = { "HX-Request": "true", "X-CSRFToken": token };
    const body = new URLSearchParams(message);
    for (const token of files) body.append("files", token);
    return fetch(this.getAttribute("href"), { method: "POST", headers, body });
  }

  /** Move a sent message to the transcript; if it was refused, keep it here with the reason. */
  tell(message, composer, isSent) {
    const feedback = feedbackIn(composer, ".composer__feedback") || feedbackIn(composer, ".composer__unclear p");
    if (!isSent || !composer.querySelector(".composer__sent")) {
      const refused = { ...message, refused: feedback };
      this.keep(refused);
      this.showRefusal(refused);
      return;
    }
    this.forget(message);
    this.elementOf(message).remove();
    const detail = composer.querySelector(".composer__sent");
    this.dispatchEvent(new CustomEvent("outbox:sent", { bubbles: true, detail }));
    document.querySelector("chat-composer").tell(feedback);
  }

  showRefusal(message) {
    const shown = this.elementOf(message);
    shown.querySelector(".outbox__state").textContent = textOf("message-refused", { reason: message.refused });
    shown.querySelector(".outbox__discard").hidden = false;
  }

  discard(button) {
    const shown = button?.closest(".message");
    if (!shown) return;
    this.forget({ client_key: shown.dataset.key });
    shown.remove();
    document.getElementById("composer-text")?.focus();
  }

  elementOf({ client_key: key }) {
    return this.querySelector(`[data-key="${CSS.escape(key)}"]`);
  }

  /** Store the message under its own key; a common list would lose messages that another tab has added. */
  keep(message) {
    keptHere.write(this.keyStart + message.client_key, message);
  }

  forget(message) {
    keptHere.forget(this.keyStart + message.client_key);
  }
}

const isRefused = ({ refused }) => refused !== undefined;
const feedbackIn = (composer, selector) => composer.querySelector(selector)?.textContent.trim() ?? "";

/** Return the stored messages, oldest first; another tab may send some of them in the meantime. */
function read(prefix) {
  try {
    const keys = Object.keys(localStorage).filter((key) => key.startsWith(prefix));
    const found = keys.map((key) => JSON.parse(localStorage.getItem(key)));
    return found.filter(Boolean).sort((one, other) => one.at - other.at);
  } catch {
    return [];
  }
}

customElements.define("chat-outbox", ChatOutbox);
