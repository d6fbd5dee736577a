/* Keeps the page up to date: over one socket, with a cursor for each stream, or by polling without a socket.

   <live-stream stream="run:…" form="page" after="12"></live-stream>

   A frame's HTML replaces the elements with the same ids; an element that is not there yet goes to
   the end of the element that its data-into names. Applying a frame twice changes nothing.

   A doorbell stream such as "inbox" has no numbers, but a mark that was made before the page's lists were
   read. The server sends frames for changes after the mark, and each frame contains a later mark. An
   element that can't fetch its list after a frame dispatches "live:missed": the streams are then followed
   without a mark, so that they send a frame again.

   News that is soon outdated, such as who is typing, has no number and is never requested again; it is
   dispatched as "live:together". "live:newest" has the newest number of a session when the page followed
   the session, or when a poll read it. */

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

  /** Close the socket at once; a pulled cable doesn't, so the page would look live for minutes. */
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

  /** Follow a stream again, because a piece of a text is missing; the server sends it from there on. */
  followAgain(element) {
    if (this.#isOpen) this.#follow(element);
  }

  /** Follow the doorbells again in a few seconds, because a list couldn't be fetched. */
  miss() {
    for (const element of this.#streams.values()) element.mark = "";
    this.#missed ||= setTimeout(() => {
      this.#missed = 0;
      for (const element of this.#streams.values()) {
        if (element.isBell && !element.mark && this.#isOpen) this.#follow(element);
      }
    }, POLL);
  }

  #take({ stream, frames = [], head, denied, stale, together, newest, announced }) {
    if (announced) document.dispatchEvent(new Event("live:announced"));
    const element = this.#streams.get(stream);
    if (!element) return;
    if (denied || stale) element.deny();
    else if (together) element.tell("live:together", together);
    else if (newest !== undefined) element.tell("live:newest", newest);
    else if (head >= element.cursor || !element.takeAll(frames)) {
      this.send({ range: stream, after: element.cursor });
    }
  }

  /** Show the state, and start or stop polling; each failed try calls this with "polling" again. */
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
  /** The time when the shown state was read; a state can change without a new number. */
  asOf = 0;

  connectedCallback() {
    this.stream = this.getAttribute("stream");
    this.form = this.getAttribute("form");
    this.cursor = Number(this.getAttribute("after"));
    this.mark = this.getAttribute("mark");
    /** For streams of texts: the number and the received bytes of each text, by step. */
    this.places = this.stream.startsWith("text:") ? (this.places ?? {}) : null;
    connection.add(this);
  }

  disconnectedCallback() {
    connection.remove(this);
  }

  get isBell() {
    return !this.stream.includes(":");
  }

  /** Apply frames in order; return false at the first frame before which others are missing. */
  takeAll(frames) {
    for (const frame of frames) {
      if (this.misses(frame)) return false;
      this.take(frame);
    }
    return true;
  }

  /** Return true if frames before this one are missing; only the form "page" has numbers without gaps. */
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

  /** Send the server a message that may be lost; without a connection, it isn't sent. */
  say(message) {
    connection.say(message);
  }

  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { bubbles: true, detail }));
  }

  /** Return true if a piece of a text continues where the page's copy ends, or begins a later text.

      A text that has ended is forgotten, because a page can name only a few places to the server. */
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

  /** Reload the page, because the viewer may see nothing more of the stream, or other parts of it. */
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
    if (old) replaceLive(old, fresh);
    else append(fresh);
  }
}

function append(fresh) {
  document.getElementById(fresh.dataset.into)?.append(fresh);
  if (fresh.isConnected) window.htmx?.process(fresh);
}

/** Replace an element; listeners can take state over from the old one, or keep it by preventDefault().
    Return true if the element was replaced. */
window.replaceLive = (old, fresh) => {
  const detail = { old, fresh };
  const event = new CustomEvent("live:replace", { bubbles: true, cancelable: true, detail });
  if (!old.dispatchEvent(event)) return false;
  old.replaceWith(fresh);
  window.htmx?.process(fresh);
  return true;
};

customElements.define("live-stream", LiveStream);
