/* Stores the text typed in its fields in this browser until it is sent.

   <keep-draft name="request-…">fields</keep-draft>

   A field that no longer has its initial value isn't overwritten. The attribute `filled` means that the server
   has filled in an earlier draft; then every field is stored. If both the server and this browser have a draft,
   the newer one is shown: the stored text contains the number of the server's draft on which it is based.

   With `href`, the form around the element is also sent there shortly after somebody has stopped typing, with
   the number of the newest draft that this page knows. If another window has changed the draft, the form says
   so, and the next text typed here replaces that draft. */

const PREFIX = "draft:";
const LONGEST_LIFE = 14 * 24 * 3600 * 1000;
const PAUSE = 1200;
const MOST_ON_LEAVING = 60_000;
const versions = new Map();

class KeepDraft extends HTMLElement {
  connectedCallback() {
    this.key = PREFIX + this.getAttribute("name");
    this.addEventListener("input", () => {
      this.keep();
      this.sendSoon();
    });
    this.left = () => this.sendNow();
    addEventListener("pagehide", this.left);
    const version = Number(this.getAttribute("version"));
    if (this.isSent) this.noteVersion(version);
    if (!this.isFilled) this.restore();
    else if (version && keptHere.read(this.key).version >= version) this.restore();
    else this.keep();
  }

  disconnectedCallback() {
    removeEventListener("pagehide", this.left);
    this.sendNow();
  }

  get isSent() {
    return this.hasAttribute("href");
  }

  /** Remember the highest number; a form that is drawn again after a fault doesn't contain it. */
  noteVersion(version) {
    versions.set(this.key, Math.max(version, versions.get(this.key) ?? 0));
  }

  sendSoon() {
    clearTimeout(this.timer);
    if (this.isSent) this.timer = setTimeout(() => this.sendNow(), PAUSE);
  }

  /** Send the draft at once if it is waiting to be sent, such as when the form is removed. */
  sendNow() {
    if (!this.timer) return;
    this.rest();
    this.send();
  }

  rest() {
    clearTimeout(this.timer);
    this.timer = 0;
  }

  async send() {
    const form = this.closest("form");
    if (!form || form.matches(".htmx-request")) return;
    const body = new URLSearchParams();
    for (const [name, value] of new FormData(form)) if (typeof value === "string") body.append(name, value);
    body.append("draft_version", versions.get(this.key));
    const answer = await fetch(this.getAttribute("href"), { method: "POST", body, keepalive: `${body}`.length < MOST_ON_LEAVING }).catch(() => null);
    const isKept = answer?.ok || answer?.status === 409;
    if (!isKept || answer.redirected) return; // this browser still has the draft
    const { version } = await answer.json();
    versions.set(this.key, version);
    if (answer.ok) this.noteSent(version);
    const feedback = form.querySelector(".answer__feedback");
    if (feedback && !answer.ok) feedback.textContent = textOf("draft-elsewhere");
  }

  /** Record that the stored text is based on the draft that was just sent. */
  noteSent(version) {
    const kept = keptHere.read(this.key);
    if (kept.values) keptHere.write(this.key, { ...kept, version });
  }

  get isFilled() {
    return this.hasAttribute("filled");
  }

  get fields() {
    return [...this.querySelectorAll("textarea, select, input:not([type=hidden], [type=file])")];
  }

  keep() {
    const isTyped = (field) => this.isFilled || stateOf(field) !== firstStateOf(field);
    const typed = this.fields.filter(isTyped);
    const values = Object.fromEntries(typed.map((field) => [nameOf(field), stateOf(field)]));
    if (typed.length) keptHere.write(this.key, { at: Date.now(), version: versions.get(this.key), values });
    else keptHere.forget(this.key);
  }

  restore() {
    const { values = {} } = keptHere.read(this.key);
    for (const field of this.fields) {
      const isUntouched = stateOf(field) === firstStateOf(field);
      if (nameOf(field) in values && isUntouched) setState(field, values[nameOf(field)]);
    }
  }

  forget() {
    this.rest();
    versions.delete(this.key);
    keptHere.forget(this.key);
  }
}

/* Boxes with the same name are distinguished by their values. */
const isBox = (field) => field.type === "checkbox" || field.type === "radio";
const nameOf = (field) => (isBox(field) ? `${field.name}=${field.value}` : field.name);
const stateOf = (field) => (isBox(field) ? field.checked : field.value);

function firstStateOf(field) {
  if (isBox(field)) return field.defaultChecked;
  if (!field.options) return field.defaultValue;
  return ([...field.options].find((option) => option.defaultSelected) ?? field.options[0])?.value;
}

function setState(field, state) {
  if (isBox(field)) field.checked = state;
  else field.value = state;
}

function forgetOldOnes() {
  for (const key of Object.keys(localStorage)) {
    if (key.startsWith(PREFIX) && Date.now() - keptHere.read(key).at > LONGEST_LIFE) keptHere.forget(key);
  }
}

try {
  forgetOldOnes();
} catch {
  /* there is no storage */
}

customElements.define("keep-draft", KeepDraft);

document.addEventListener("htmx:beforeSwap", ({ defaultPrevented, detail }) => {
  const isSent = !defaultPrevented && detail.xhr.status < 300 && !detail.serverResponse.includes("<keep-draft");
  if (isSent) detail.requestConfig.elt.querySelector?.("keep-draft")?.forget();
});
