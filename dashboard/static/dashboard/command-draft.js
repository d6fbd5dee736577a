/* The result of a command in the transcript, shown to the person who typed it. A start form is stored in this
   browser until it is sent or discarded: its command and key by this script, its fields by keep-draft.

   Several forms may be stored. Only the newest is shown; when it is sent, discarded or closed, the one before
   it is shown again. */

const MOST_KEPT = 20;

class CommandDraft extends HTMLElement {
  connectedCallback() {
    this.storage = `draft:command-${this.getAttribute("name")}`;
    this.addEventListener("click", (event) => this.discard(event));
    this.addEventListener("htmx:beforeRequest", () => this.tell(""));
    this.addEventListener("htmx:sendError", () => this.tell(textOf("start-perhaps-lost")));
    this.addEventListener("htmx:responseError", () => this.tell(textOf("start-perhaps-lost")));
    if (this.hasAttribute("text")) this.keep();
    else if (this.hasAttribute("ended")) this.forget();
    if (this.firstElementChild) this.show();
    if (!this.card) this.restore();
  }

  get card() {
    return this.querySelector("article.message[data-kind=draft]");
  }

  get drafts() {
    return keptHere.read(this.storage).drafts ?? [];
  }

  set drafts(drafts) {
    if (drafts.length) keptHere.write(this.storage, { at: Date.now(), drafts: drafts.slice(-MOST_KEPT) });
    else keptHere.forget(this.storage);
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
    // htmx first gives the focus back to the composer, which is swapped too.
    setTimeout(() => {
      (field ?? this.querySelector("button, a.button"))?.focus({ preventScroll: true });
      this.closest("transcript-view").bring(this);
    });
  }

  keep() {
    const [text, key] = [this.getAttribute("text"), this.getAttribute("key")];
    this.drafts = [...this.drafts.filter((one) => one.key !== key), { text, key }];
    cleanAddress();
  }

  forget() {
    const key = this.getAttribute("key");
    this.fields?.forget();
    keptHere.forget(`draft:start-${key}`);
    this.drafts = this.drafts.filter((one) => one.key !== key);
  }

  /** Show the newest stored form, unless a run has been started with its key. */
  async restore() {
    const kept = this.drafts.at(-1);
    if (!kept || kept.key === this.asked) return;
    const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
    const headers = { "HX-Request": "true", "X-CSRFToken": token };
    const body = new URLSearchParams({ text: kept.text, key: kept.key });
    const answer = await fetch(this.getAttribute("href"), { method: "POST", headers, body }).catch(() => null);
    if (!answer?.ok || answer.redirected) return;
    const template = document.createElement("template");
    template.innerHTML = await answer.text();
    if (!this.isConnected || this.card) return;
    const fresh = template.content.querySelector("command-draft");
    fresh.isRestored = true;
    fresh.asked = kept.key;
    this.replaceWith(fresh);
    window.htmx?.process(fresh);
    fresh.closest("transcript-view").bring(fresh);
  }

  discard(event) {
    if (!event.target.closest("a[href$='#latest']")) return;
    event.preventDefault();
    if (this.hasAttribute("key")) this.forget();
    this.replaceChildren();
    cleanAddress();
    document.getElementById("composer-text")?.focus();
    this.asked = undefined;
    this.restore();
  }

  tell(words) {
    const feedback = this.querySelector(".start-form__feedback");
    if (feedback) feedback.textContent = words;
  }
}

/** Remove the command from the address, so that a reload shows the stored form. */
function cleanAddress() {
  const { pathname, search } = location;
  if (new URLSearchParams(search).has("command")) history.replaceState(null, "", pathname);
}

customElements.define("command-draft", CommandDraft);
