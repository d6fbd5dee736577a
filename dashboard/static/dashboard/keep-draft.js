/* Keeps what is typed in the fields within, here in this browser, until it was sent.

   <keep-draft name="request-…">fields</keep-draft>

   A field that the server has filled in otherwise is left alone. With the attribute `filled`, the
   server has filled in what was typed before: then every field is kept.

   With `href`, the form around it is sent there as well, a while after somebody has stopped typing,
   with the number of the draft that this page has seen. If another window has changed it meanwhile,
   the form says so, and what is typed next replaces it. */

const PREFIX = "draft:";
const LONGEST_LIFE = 14 * 24 * 3600 * 1000;
const PAUSE = 1200;
const versions = new Map();

class KeepDraft extends HTMLElement {
  connectedCallback() {
    this.key = PREFIX + this.getAttribute("name");
    this.addEventListener("input", () => {
      this.keep();
      this.sendSoon();
    });
    if (this.isSent) this.noteVersion(Number(this.getAttribute("version")));
    if (this.isFilled) this.keep();
    else this.restore();
  }

  disconnectedCallback() {
    clearTimeout(this.timer);
  }

  get isSent() {
    return this.hasAttribute("href");
  }

  /** A form that is drawn anew after a fault knows no number. */
  noteVersion(version) {
    versions.set(this.key, Math.max(version, versions.get(this.key) ?? 0));
  }

  sendSoon() {
    clearTimeout(this.timer);
    if (this.isSent) this.timer = setTimeout(() => this.send(), PAUSE);
  }

  async send() {
    const form = this.closest("form");
    if (!this.isConnected || form.matches(".htmx-request")) return;
    const body = new URLSearchParams();
    for (const [name, value] of new FormData(form)) if (typeof value === "string") body.append(name, value);
    body.append("draft_version", versions.get(this.key));
    const answer = await fetch(this.getAttribute("href"), { method: "POST", body }).catch(() => null);
    const isKept = answer?.ok || answer?.status === 409;
    if (!isKept || answer.redirected) return; // it is kept here
    this.noteVersion((await answer.json()).version);
    const told = form.querySelector(".answer__told");
    if (told && !answer.ok) told.textContent = textOf("draft-elsewhere");
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
    if (typed.length) write(this.key, { at: Date.now(), values });
    else forget(this.key);
  }

  restore() {
    const { values = {} } = read(this.key);
    for (const field of this.fields) {
      const isUntouched = stateOf(field) === firstStateOf(field);
      if (nameOf(field) in values && isUntouched) setState(field, values[nameOf(field)]);
    }
  }

  forget() {
    forget(this.key);
  }
}

/* Boxes that share a name are told apart by their values. */
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
    /* a full or forbidden storage keeps nothing: the field itself still does */
  }
}

function forget(key) {
  try {
    localStorage.removeItem(key);
  } catch {
    /* nothing was kept */
  }
}

function forgetOldOnes() {
  for (const key of Object.keys(localStorage)) {
    if (key.startsWith(PREFIX) && Date.now() - read(key).at > LONGEST_LIFE) forget(key);
  }
}

try {
  forgetOldOnes();
} catch {
  /* no storage here */
}

customElements.define("keep-draft", KeepDraft);

document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const isSent = detail.xhr.status < 300 && !detail.serverResponse.includes("<keep-draft");
  if (isSent) detail.requestConfig.elt.querySelector?.("keep-draft")?.forget();
});
