/* Sends the server how far the viewer has read, and names the other readers below the last message that each
   of them has read. Messages that arrive while the viewer isn't looking at the page are new; a line stands
   above them. If a link has opened the page at a message, nothing counts as read before the viewer has seen
   the first new message.

   <read-marks href="/chat/ID/reading" session="ID" viewer="7" seq="12"
     readers='{"named": [[8, "bob", 11]]}'><template>New</template></read-marks> */

const LOOK = 300;
const REST = 1000;
const NEAR = 120;
const SENTENCES = ["read-by-1", "read-by-2", "read-by-3"];

class ReadMarks extends HTMLElement {
  connectedCallback() {
    this.view = this.closest("transcript-view");
    this.list = this.view.querySelector(".transcript__list");
    this.viewer = this.getAttribute("viewer");
    this.seq = Number(this.getAttribute("seq"));
    this.isLatest = Boolean(document.getElementById("session-stream"));
    this.isLinked = !this.isLatest || !["", "#latest"].includes(location.hash);
    this.readers = JSON.parse(this.getAttribute("readers"));
    this.aborter = new AbortController();
    const { signal } = this.aborter;
    for (const [target, name] of [[this.view, "scroll"], [document, "visibilitychange"], [window, "focus"]]) {
      target.addEventListener(name, () => this.lookSoon(), { passive: true, signal });
    }
    document.addEventListener("live:together", (event) => this.hear(event), { signal });
    this.changes = new MutationObserver((records) => this.take(records));
    this.changes.observe(this.list, { childList: true });
    this.draw();
    this.lookSoon();
  }

  disconnectedCallback() {
    this.aborter.abort();
    this.changes.disconnect();
    clearTimeout(this.timer);
  }

  get isSeen() {
    return !document.hidden && document.hasFocus();
  }

  get messages() {
    return [...this.list.querySelectorAll(".message")];
  }

  hear({ target, detail }) {
    if (target.id !== "session-stream" || !detail.readers) return;
    this.readers = detail.readers;
    this.draw();
  }

  take(records) {
    const added = records.flatMap(({ addedNodes }) => [...addedNodes]);
    const messages = added.filter((node) => node.matches?.(".message"));
    if (!messages.length) return;
    if (!this.isSeen) this.separate(messages.find((node) => this.isNew(node)));
    this.draw();
    this.lookSoon();
  }

  isNew({ dataset }) {
    return Number(dataset.seq) > this.seq && dataset.author !== this.viewer;
  }

  /** Draw the line above the first message that arrived while the viewer wasn't looking. */
  separate(first) {
    if (!first || this.hasLine) return;
    this.hasLine = true;
    this.list.querySelector(".transcript__new")?.remove();
    const line = document.importNode(this.querySelector("template").content, true);
    line.firstElementChild.dataset.day = first.dataset.day;
    first.before(line);
  }

  lookSoon() {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      if (this.isSeen) this.look();
    }, Math.max(LOOK, (this.restsUntil ?? 0) - Date.now()));
  }

  look() {
    this.hasLine = false;
    const { top, bottom } = this.view.getBoundingClientRect();
    if (this.isLinked && this.skips(top)) return;
    const read = this.messages.filter((message) => message.getBoundingClientRect().top < bottom);
    const seq = Math.max(0, ...read.map(({ dataset }) => Number(dataset.seq ?? 0)));
    if (seq > this.seq) this.send(seq);
  }

  /** Return true if there are new messages above the visible ones; at the session's end, they count as read. */
  skips(top) {
    const { scrollHeight, scrollTop, clientHeight } = this.view;
    if (this.isLatest && scrollHeight - scrollTop - clientHeight < NEAR) return false;
    if (this.hasAttribute("skips-new")) return true;
    const first = this.messages.find((message) => this.isNew(message));
    return Boolean(first) && first.getBoundingClientRect().bottom < top;
  }

  /** Send the number of the last message that was read; if that fails, the next number replaces it. */
  async send(seq) {
    const before = this.seq;
    this.seq = seq;
    this.restsUntil = Date.now() + REST;
    const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
    const headers = { "HX-Request": "true", "X-CSRFToken": token };
    const body = new URLSearchParams({ seq });
    const address = this.getAttribute("href");
    const answer = await fetch(address, { method: "POST", headers, body, keepalive: true }).catch(() => null);
    if (!answer?.ok) this.seq = Math.min(this.seq, before);
  }

  draw() {
    for (const drawn of this.list.querySelectorAll(".message__readers")) drawn.remove();
    for (const one of this.list.querySelectorAll(`.mention[data-person="${CSS.escape(this.viewer)}"]`)) {
      one.dataset.isMe = "";
    }
    const { named = [], count } = this.readers ?? {};
    if (count !== undefined) this.drawCount(count);
    for (const [message, names] of this.placesOf(named)) write(message, sentence(names), names.join(", "));
  }

  /** Show how many have read everything, if there are too many readers to name. */
  drawCount(count) {
    const last = this.messages.at(-1);
    const others = last && Number(last.dataset.seq) <= this.seq ? count - 1 : count;
    if (last && others > 0) write(last, textOf("read-count", { count: others }), "");
  }

  placesOf(named) {
    const { messages } = this;
    const places = new Map();
    for (const [key, name, seq] of named) {
      const message = messages.findLast(({ dataset }) => Number(dataset.seq) <= seq);
      const isOwn = String(key) === this.viewer || message?.dataset.author === String(key);
      if (message && !isOwn) places.set(message, [...(places.get(message) ?? []), isolated(name)]);
    }
    return places;
  }
}

function sentence(names) {
  const [one, two, three] = names;
  const name = SENTENCES[names.length - 1];
  return name ? textOf(name, { one, two, three }) : textOf("read-by-more", { one, two, count: names.length - 2 });
}

/** Return the name isolated, so that it keeps its own text direction in a sentence. */
function isolated(name) {
  return `\u2068${name}\u2069`;
}

function write(message, words, title) {
  const line = document.createElement("p");
  line.className = "message__readers";
  line.textContent = words;
  line.title = title;
  line.setAttribute("aria-live", "off");
  message.append(line);
}

customElements.define("read-marks", ReadMarks);
