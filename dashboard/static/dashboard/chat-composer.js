/* The composer: Enter sends the message, Escape addresses all members, and the strip or Tab chooses the question
   to answer. A sent message appears at once; without a connection, it goes to the outbox. */

/* As on the server, spaces and invisible characters before the slash don't count. */
const COMMAND = /^[\s\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Mn}\u115f\u1160\u2800\u3164\uffa0]*[/\uff0f](?![/\uff0f])/u;

class ChatComposer extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector("form");
    this.text = this.querySelector("textarea");
    this.feedback = this.querySelector("[role=status]");
    this.outbox = document.querySelector("chat-outbox");
    this.placeSent();
    this.choose();
    this.text.addEventListener("input", () => this.forgetEcho());
    this.text.addEventListener("keydown", (event) => this.onKey(event));
    this.text.addEventListener("focus", () => (this.walkedFrom = undefined));
    this.form.addEventListener("click", (event) => this.walk(event));
    this.form.addEventListener("change", ({ target }) => this.onChange(target));
    this.form.addEventListener("htmx:beforeRequest", (event) => this.keepQuestion(event));
    this.form.addEventListener("htmx:beforeSwap", (event) => this.keepQuestion(event));
    this.addEventListener("htmx:beforeSwap", (event) => this.forgetSent(event));
    this.form.addEventListener("htmx:afterSettle", () => this.choose(this.chosen));
    this.form.addEventListener("htmx:responseError", (event) => this.refuse(event));
    this.form.addEventListener("htmx:sendError", (event) => event.target === this.form && this.sendLater(event));
  }

  get select() {
    return this.form.elements.request;
  }

  /** Remove what was shown about the meaning of the text, because the text has changed. */
  forgetEcho() {
    const { confirms, verbatim } = this.form.elements;
    verbatim?.remove();
    this.querySelector(".composer__unclear")?.remove();
    if (!confirms) return;
    confirms.remove();
    this.feedback.textContent = "";
  }

  /** True if the text is a command; the outbox never takes one, because only the server can read it. */
  get isCommand() {
    return COMMAND.test(this.text.value) && !this.form.elements.verbatim;
  }

  onChange(target) {
    if (target === this.select) this.choose(target.value);
    if (target.name === "asks_back") this.choose();
  }

  onKey(event) {
    if (isOfInputMethod(event)) return;
    if (event.key === "Escape") {
      this.choose("");
      this.walkedFrom = null;
    }
    if (event.key === "Tab") this.walkByKey(event);
    const isPlain = !event.shiftKey && !event.altKey;
    if (event.key !== "Enter" || !isPlain || matchMedia("(pointer: coarse)").matches) return;
    event.preventDefault();
    if (this.text.value.trim() || !this.text.required) this.form.requestSubmit();
  }

  get questions() {
    return [...(this.select?.options ?? [])].filter(({ dataset }) => dataset.place);
  }

  /** In the empty field, let Tab choose one question after another. After the last one, it restores the earlier
      choice and leaves the field as usual; after Escape, it leaves at once. So nobody is trapped here. */
  walkByKey(event) {
    const { questions } = this;
    const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (!isPlain || this.text.value || questions.length < 2 || this.walkedFrom === null) return;
    const at = questions.findIndex(({ selected }) => selected);
    const isBegun = this.walkedFrom !== undefined;
    const next = event.shiftKey ? isBegun && questions[at - 1] : questions[at + 1];
    if (!next) {
      if (isBegun) this.choose(this.walkedFrom);
      return;
    }
    event.preventDefault();
    this.walkedFrom ??= this.select.value;
    this.choose(next.value);
    this.querySelector(".composer__walked").textContent = next.text + next.dataset.place;
  }

  /** Choose the next question when the counter is clicked, and scroll to it. */
  walk(event) {
    const count = event.target.closest(".composer__count");
    if (!count) return;
    const { questions } = this;
    const ids = questions.map((option) => option.value);
    const next = ids[(ids.indexOf(this.select.value) + 1) % ids.length];
    count.hash = `request-${next}`;
    this.choose(next);
    if (!matchMedia("(pointer: coarse)").matches) this.text.focus({ preventScroll: true });
  }

  /** Choose what a message answers until it is sent; a question that has been closed can't be chosen. */
  choose(chosen) {
    const { select } = this;
    const option = chosen !== undefined && [...(select?.options ?? [])].find(({ value }) => value === chosen);
    if (option) {
      option.selected = true;
      this.chosen = chosen;
    }
    const current = select?.selectedOptions[0];
    this.text.placeholder = this.offerAskBack(current) ?? current?.dataset.hint ?? textOf("write");
    const place = this.querySelector(".composer__place");
    if (place) place.textContent = current?.dataset.place ?? "";
  }

  /** Show the box "Send back" only if the question allows it; if it is ticked, return its hint. */
  offerAskBack(current) {
    const box = this.form.elements.asks_back;
    if (!box) return undefined;
    const label = box.closest("label");
    label.hidden = current?.dataset.asksBack === undefined;
    box.checked &&= !label.hidden;
    return box.checked ? label.dataset.hint : undefined;
  }

  /** Keep the strip while somebody types, so that their text doesn't answer a question that has just opened.

      A message is sent later if others wait in the outbox. */
  keepQuestion(event) {
    if (event.target !== this.form) {
      if (this.text.value.trim()) event.preventDefault();
    } else if (this.outbox.isEmpty) {
      this.text.readOnly = true;
    } else {
      event.preventDefault();
      this.sendLater(event);
    }
  }

  /** Forget the draft of a message that was sent, so that it doesn't fill the new, empty field. */
  forgetSent({ target, defaultPrevented, detail }) {
    if (target === this && !defaultPrevented && detail.xhr.status < 300) this.querySelector("keep-draft").forget();
  }

  refuse(event) {
    if (event.target !== this.form) return;
    this.text.readOnly = false;
    this.feedback.textContent = textOf("message-not-sent");
  }

  /** Put the message into the outbox, with the button that was pressed and with its key. By the key, the server
      recognises a message that has already arrived. */
  sendLater({ detail }) {
    const isMessage = !this.isCommand || detail.requestConfig.formData.has("as_text");
    if (!isMessage) {
      this.text.readOnly = false;
      this.feedback.textContent = textOf("command-offline");
      return;
    }
    const { client_key: key } = this.form.elements;
    const { csrfmiddlewaretoken: _, upload: __, ...fields } = Object.fromEntries(detail.requestConfig.formData);
    const files = this.querySelector("message-files").take();
    this.outbox.take({ ...fields, files: files.map(({ token }) => token), names: files.map(({ name }) => name) });
    this.forgetEcho();
    key.value = `${Date.now()}-${Math.random()}`;
    this.text.readOnly = false;
    this.text.value = "";
    this.querySelector("keep-draft").forget();
    this.chosen = undefined;
    this.text.focus();
  }

  placeSent() {
    const sent = this.querySelector("template.composer__sent");
    if (!sent) return;
    this.text.focus();
    placeMessage(sent);
  }

  /** Show what the server said about a message from the outbox. */
  tell(words) {
    this.feedback.textContent = words;
    window.htmx?.trigger(this.querySelector(".composer__strip"), "refresh");
  }
}

/** Return true for a key used by an input method, such as for Chinese; Safari shows that only by the key code. */
function isOfInputMethod(event) {
  return event.isComposing || event.keyCode === 229;
}

/** Append the sent message; the socket brings it too, but with the same id, so it is shown once. */
function placeMessage(template) {
  const sent = template.content.firstElementChild;
  if (!document.getElementById(sent.id)) {
    document.getElementById(sent.dataset.into)?.append(document.importNode(sent, true));
  }
  document.querySelector("transcript-view")?.follow();
}

customElements.define("chat-composer", ChatComposer);
document.addEventListener("outbox:sent", ({ detail }) => placeMessage(detail));
