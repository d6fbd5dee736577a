/* A line over the composer that names the others who have the session open or are typing. While the viewer
   types, this script tells the others.

   <people-here viewer="7"></people-here> */

const SAID_EVERY = 3000;
const TYPING_FOR = 6000;
const HERE = ["here-1", "here-2", "here-3"];
const TYPES = ["typing-1", "typing-2"];

class PeopleHere extends HTMLElement {
  connectedCallback() {
    this.here = [];
    this.count = 0;
    this.typing = new Map();
    this.aborter = new AbortController();
    const { signal } = this.aborter;
    document.addEventListener("live:together", (event) => this.hear(event), { signal });
    document.addEventListener("input", ({ target }) => this.say(target), { signal });
    this.messages = new MutationObserver((records) => this.take(records));
    const list = document.querySelector(".transcript__list");
    if (list) this.messages.observe(list, { childList: true });
  }

  disconnectedCallback() {
    this.aborter.abort();
    this.messages.disconnect();
    clearTimeout(this.timer);
  }

  get stream() {
    return document.getElementById("session-stream");
  }

  isOther(key) {
    return String(key) !== this.getAttribute("viewer");
  }

  hear({ target, detail }) {
    if (target !== this.stream || !detail.here) return;
    const { named, count } = detail.here;
    this.here = named.filter(([key]) => this.isOther(key)).map(([, name]) => name);
    this.count = count - (named.length - this.here.length);
    for (const [key, name] of detail.typing) {
      if (this.isOther(key)) this.typing.set(String(key), { name, until: Date.now() + TYPING_FOR });
    }
    this.draw();
  }

  /** When a message arrives, its author isn't typing any more. */
  take(records) {
    const added = records.flatMap(({ addedNodes }) => [...addedNodes]);
    const isGone = added.map(({ dataset }) => this.typing.delete(dataset?.author)).some(Boolean);
    if (isGone) this.draw();
  }

  say(field) {
    if (field.id !== "composer-text" || !field.value.trim() || field.value.startsWith("/")) return;
    if (Date.now() - (this.saidAt ?? 0) < SAID_EVERY) return;
    this.saidAt = Date.now();
    const { stream } = this;
    if (stream && this.hasOthers) stream.say({ typing: stream.stream });
  }

  get hasOthers() {
    return this.count > 0;
  }

  draw() {
    clearTimeout(this.timer);
    const now = Date.now();
    for (const [key, { until }] of this.typing) if (until <= now) this.typing.delete(key);
    const typing = [...this.typing.values()];
    this.dataset.typing = typing.length > 0;
    const words = typing.length ? typed(typing.map(({ name }) => isolated(name))) : this.words;
    if (this.textContent !== words) this.textContent = words;
    const ends = typing.map(({ until }) => until - now);
    if (ends.length) this.timer = setTimeout(() => this.draw(), Math.min(...ends));
  }

  get words() {
    const [one, two, three] = this.here.map(isolated);
    if (!one) return "";
    const name = HERE[this.count - 1];
    return name ? textOf(name, { one, two, three }) : textOf("here-more", { one, two, count: this.count - 2 });
  }
}

function typed(names) {
  const [one, two] = names;
  const name = TYPES[names.length - 1];
  return name ? textOf(name, { one, two }) : textOf("typing-more");
}

/** Return the name isolated, so that it keeps its own text direction in a sentence. */
function isolated(name) {
  return `\u2068${name}\u2069`;
}

customElements.define("people-here", PeopleHere);
