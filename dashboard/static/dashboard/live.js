/* Keeps the page as the server sees it: one socket, a cursor per stream, polling without a socket.

   <live-stream stream="run:…" form="page" after="12"></live-stream>

   A frame's HTML replaces the elements with the same ids; an element that is not there yet goes to
   the end of the element that its data-into names. Applying a frame twice changes nothing.

   A bell has no numbers but a mark, from before the page's lists were read. It is told of what came
   after its mark, and its frames bring later marks. Whoever can't read a list after a frame
   dispatches "live:missed": the bells are then followed without a mark, so that they ring again.

   What passes, such as who is typing, has no number and is never asked for again: "live:together".
   "live:newest" says how far a session was when the page followed it, or when a poll read it. */

const POLL = 5000;
const PATIENCE = 3000;
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 15000;

const { socket: SOCKET, range: RANGE } = document.documentElement.dataset;

class Connection {
  #streams = new Map();
  #socket = null;
  #pause = FIRST_PAUSE;
  #polling = 0;
  #missed = 0;

  add(element) {
    this.#streams.set(element.stream, element);
    if (this.#isOpen) this.#follow(element);
    else if (!this.#socket) this.#open();
  }

  remove(element) {
    this.#streams.delete(element.stream);
    if (this.#isOpen) this.send({ leave: element.stream });
  }

  /** A cable that was pulled closes no socket: for minutes the page would look live. */
  cut() {
    this.#socket?.close();
  }

  open() {
    if (!this.#socket) this.#open();
  }

  send(message) {
    this.#socket.send(JSON.stringify(message));
  }

  say(message) {
    if (this.#isOpen) this.send(message);
  }

  get #isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  #open() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    this.#socket = new WebSocket(`${scheme}//${location.host}${SOCKET}`);
    const late = setTimeout(() => this.#showAs("polling"), PATIENCE);
    this.#socket.addEventListener("open", () => {
      clearTimeout(late);
      this.#pause = FIRST_PAUSE;
      this.#showAs("live");
      for (const element of this.#streams.values()) this.#follow(element);
    });
    this.#socket.addEventListener("message", ({ data }) => this.#take(JSON.parse(data)));
    this.#socket.addEventListener("close", ({ code }) => {
      clearTimeout(late);
      this.#socket = null;
      if (code === 4401) location.reload();
      else this.#comeBack();
    });
  }

  #comeBack() {
    this.#showAs("polling");
    setTimeout(() => this.#socket ?? this.#open(), this.#pause * (0.75 + Math.random() / 2));
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE);
  }

  #follow(element) {
    element.asOf = 0;
    const { stream, form, cursor, mark, places } = element;
    const at = places ? { at: places } : {};
    this.send({ follow: stream, form, after: cursor, ...(mark ? { mark } : {}), ...at });
  }

  /** A piece of a text is missing: what comes after the places that the page has is sent again. */
  followAgain(element) {
    if (this.#isOpen) this.#follow(element);
  }

  /** A list couldn't be read: what it lacks is asked for again, once the server may be back. */
  miss() {
    for (const element of this.#streams.values()) element.mark = "";
    this.#missed ||= setTimeout(() => {
      this.#missed = 0;
      for (const element of this.#streams.values()) {
        if (element.isBell && !element.mark && this.#isOpen) this.#follow(element);
      }
    }, POLL);
  }

  #take({ stream, frames = [], head, denied, stale, together, newest }) {
    const element = this.#streams.get(stream);
    if (!element) return;
    if (denied || stale) element.deny();
    else if (together) element.tell("live:together", together);
    else if (newest !== undefined) element.tell("live:newest", newest);
    else if (head >= element.cursor || !element.takeAll(frames)) {
      this.send({ range: stream, after: element.cursor });
    }
  }

  /** Every failed try says "polling" again: what asks already is not begun anew. */
  #showAs(state) {
    document.documentElement.dataset.live = state;
    if (state === "polling") {
      this.#polling ||= setInterval(() => this.#poll(), POLL);
    } else {
      clearInterval(this.#polling);
      this.#polling = 0;
    }
  }

  async #poll() {
    for (const element of this.#streams.values()) {
      const query = new URLSearchParams({
        stream: element.stream,
        form: element.form,
        after: element.cursor,
      });
      const answer = await fetch(`${RANGE}?${query}`).catch(() => null);
      if (answer?.ok && element.takeAll((await answer.json()).frames)) {
        element.tell("live:newest", element.cursor);
      }
    }
  }
}

const connection = new Connection();
addEventListener("offline", () => connection.cut());
addEventListener("online", () => connection.open());
for (const name of ["live:missed", "htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
  document.addEventListener(name, () => connection.miss());
}

class LiveStream extends HTMLElement {
  cursor = 0;
  /** When the state that is shown was read: it may change without a new number. */
  asOf = 0;

  connectedCallback() {
    this.stream = this.getAttribute("stream");
    this.form = this.getAttribute("form");
    this.cursor = Number(this.getAttribute("after"));
    this.mark = this.getAttribute("mark");
    /** Of texts: the number and the bytes that the page has, by step. */
    this.places = this.stream.startsWith("text:") ? (this.places ?? {}) : null;
    connection.add(this);
  }

  disconnectedCallback() {
    connection.remove(this);
  }

  get isBell() {
    return !this.stream.includes(":");
  }

  /** Takes frames in order; false where some are missing before one of them. */
  takeAll(frames) {
    for (const frame of frames) {
      if (this.misses(frame)) return false;
      this.take(frame);
    }
    return true;
  }

  /** Numbers are without gaps where every change has a frame of its own. */
  misses(frame) {
    return this.form === "page" && frame.seq > this.cursor + 1;
  }

  take(frame) {
    if (this.places && !this.takePlace(frame)) return;
    if (frame.seq < this.cursor || (frame.seq === this.cursor && frame.as_of < this.asOf)) return;
    this.cursor = frame.seq;
    this.asOf = frame.as_of ?? this.asOf;
    this.mark = frame.mark ?? this.mark;
    if (frame.html) place(frame.html);
    this.tell("live", frame);
  }

  /** Tells the server something that it needn't hear: without a connection, nothing is said. */
  say(message) {
    connection.say(message);
  }

  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { bubbles: true, detail }));
  }

  /** True if a piece of a text goes on where the page is, or begins a later text. Of a text that has
      ended nothing more comes: only a few places can be named to the server. */
  takePlace({ step, number, at, to, end }) {
    const [known, size] = this.places[step] ?? [0, 0];
    if (number < known) return false;
    if (at !== (number === known ? size : 0)) {
      connection.followAgain(this);
      return false;
    }
    this.places[step] = [number, to];
    if (end) delete this.places[step];
    return true;
  }

  /** Nothing more comes, or other things may be seen now: the page asks what there is to see. */
  deny() {
    connection.remove(this);
    location.reload();
  }
}

function place(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  for (const fresh of [...template.content.children]) {
    const old = document.getElementById(fresh.id);
    if (old) replace(old, fresh);
    else document.getElementById(fresh.dataset.into)?.append(fresh);
    if (fresh.isConnected) window.htmx?.process(fresh);
  }
}

/** Whoever looks after the old element may take something over, or keep it by preventDefault(). */
function replace(old, fresh) {
  const detail = { old, fresh };
  const event = new CustomEvent("live:replace", { bubbles: true, cancelable: true, detail });
  if (old.dispatchEvent(event)) old.replaceWith(fresh);
}

customElements.define("live-stream", LiveStream);
