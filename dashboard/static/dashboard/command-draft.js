/* What a command shows in the transcript, to the person who typed it. A start form is kept in this
   browser until it was sent or discarded: its command and key here, its fields by keep-draft. */

class CommandDraft extends HTMLElement {
  connectedCallback() {
    this.storage = `draft:command-${this.getAttribute("name")}`;
    this.addEventListener("click", (event) => this.discard(event));
    this.addEventListener("htmx:beforeRequest", () => this.tell(""));
    this.addEventListener("htmx:sendError", () => this.tell(textOf("start-perhaps-lost")));
    this.addEventListener("htmx:responseError", () => this.tell(textOf("start-perhaps-lost")));
    if (this.hasAttribute("text")) this.keep();
    else if (this.hasAttribute("ended")) this.forget();
    else if (!this.firstElementChild) this.restore();
    if (this.firstElementChild) this.show();
  }

  get fields() {
    return this.querySelector("keep-draft");
  }

  show() {
    const sent = this.querySelector("template.composer__sent");
    if (sent) {
      sent.dispatchEvent(new CustomEvent("outbox:sent", { bubbles: true, detail: sent }));
      document.getElementById("composer-text")?.focus();
      return;
    }
    if (this.isRestored) return;
    const field = this.querySelector("[aria-invalid]") ?? this.querySelector(".field__input");
    // After htmx has given the focus back to the composer, which is swapped with it.
    setTimeout(() => {
      (field ?? this.querySelector("button, a.button"))?.focus({ preventScroll: true });
      this.scrollIntoView({ block: "end" });
    });
  }

  keep() {
    const [text, key] = [this.getAttribute("text"), this.getAttribute("key")];
    write(this.storage, { at: Date.now(), text, key });
  }

  forget() {
    this.fields?.forget();
    remove(this.storage);
  }

  /** The form as it was, after a reload; the one that has started something meanwhile is gone. */
  async restore() {
    const kept = read(this.storage);
    if (!kept.text) return;
    const query = new URLSearchParams({ text: kept.text, key: kept.key });
    const answer = await fetch(`${this.getAttribute("href")}?${query}`).catch(() => null);
    if (!answer?.ok || answer.redirected || !this.isConnected || this.firstElementChild) return;
    const template = document.createElement("template");
    template.innerHTML = await answer.text();
    const fresh = template.content.querySelector("command-draft");
    fresh.isRestored = true;
    this.replaceWith(fresh);
    window.htmx?.process(fresh);
    document.querySelector("transcript-view")?.follow?.();
  }

  discard(event) {
    if (!event.target.closest("a[href$='#latest']")) return;
    event.preventDefault();
    this.forget();
    this.replaceChildren();
    const { pathname, search } = location;
    if (new URLSearchParams(search).has("command")) history.replaceState(null, "", pathname);
    document.getElementById("composer-text")?.focus();
  }

  tell(words) {
    const told = this.querySelector(".start-form__told");
    if (told) told.textContent = words;
  }
}

function read(key) {
  try {
    return JSON.parse(localStorage.getItem(key)) ?? {};
  } catch {
    return {};
  }
}

function write(key, content) {
  try {
    localStorage.setItem(key, JSON.stringify(content));
  } catch {
    /* a full or forbidden storage keeps nothing: the form itself still does */
  }
}

function remove(key) {
  try {
    localStorage.removeItem(key);
  } catch {
    /* nothing was kept */
  }
}

customElements.define("command-draft", CommandDraft);
