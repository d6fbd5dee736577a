/* Shows the texts that running steps write, below the messages, until the finished text appears as a message.
   In a transcript, a text is among the messages, so messages that arrive meanwhile appear below it.

   The pieces come from <live-stream stream="text:…">. A screen reader reads that a step is writing, and then
   the message, but not every piece. */

const ENDED = ["done", "failed", "cancelled"];
const PATIENCE = 2000;

class WrittenTexts extends HTMLElement {
  /** The unfinished texts by run and step, and the numbers of texts whose messages have arrived. */
  drafts = new Map();
  over = new Map();

  connectedCallback() {
    this.template = this.querySelector("template");
    this.hear = ({ target, detail }) => this.onFrame(target.stream, detail);
    document.addEventListener("live", this.hear);
  }

  disconnectedCallback() {
    document.removeEventListener("live", this.hear);
  }

  onFrame(stream, frame) {
    if (frame.step) this.take(stream.slice("text:".length), frame);
    else if (this.drafts.size) this.tidy();
  }

  take(run, frame) {
    const key = `${run} ${frame.step}`;
    if (this.over.get(key) === frame.number) return;
    const draft = this.drafts.get(key) ?? this.begin(key, run, frame);
    if (draft.number !== frame.number) this.beginAgain(draft, frame);
    // A redrawn card contains a new stream, which gets the text from its beginning.
    else if (frame.at === 0) draft.text.data = "";
    draft.text.appendData(frame.text);
    if (frame.is_long) draft.tell("writing-long");
    if (frame.end === "failed") draft.tell("writing-failed");
    if (frame.end === "kept") this.endAsMessage(key, draft, frame.digest);
  }

  get isChat() {
    return this.dataset.in === "chat";
  }

  get place() {
    return this.isChat ? this.parentElement.querySelector(".transcript__list") : this;
  }

  begin(key, run, { step, number }) {
    const element = document.importNode(this.template.content.firstElementChild, true);
    const name = document.querySelector(`#run-card-${run} .run-card__title bdi`);
    element.querySelector(".writing__run").textContent = name?.textContent ?? "";
    element.querySelector(".writing__step").textContent = step;
    const state = element.querySelector(".writing__state");
    const text = document.createTextNode("");
    element.querySelector(".writing__text").append(text);
    const tell = (words, attempt) => {
      state.textContent = textOf(words, { attempt });
    };
    const before = lastMessage(run, step);
    const draft = { element, run, step, number, text, tell, before };
    this.drafts.set(key, draft);
    this.place.append(element);
    tell("writing");
    return draft;
  }

  /** Clear the text, because another attempt, or another worker after a crash, writes it again. */
  beginAgain(draft, { number, attempt }) {
    draft.number = number;
    draft.text.data = "";
    draft.tell("writing-again", attempt);
  }

  /** Remove the texts whose messages have arrived, or whose runs have ended. */
  tidy() {
    for (const [key, draft] of this.drafts) {
      const message = lastMessage(draft.run, draft.step);
      if (message?.id !== draft.before?.id) this.end(key, draft, message);
      else if (hasEnded(draft.run)) setTimeout(() => this.end(key, draft), PATIENCE);
    }
  }

  /** End a text that has become a message. In a transcript, that message may not have arrived yet. */
  endAsMessage(key, draft, digest) {
    const message = document.querySelector(`[data-digest="${digest}"]`);
    if (!this.isChat || message) this.end(key, draft, message);
  }

  end(key, draft, message) {
    if (this.drafts.get(key) !== draft) return;
    this.over.set(key, draft.number);
    this.drafts.delete(key);
    if (message && this.isChat) draft.element.replaceWith(message);
    else draft.element.remove();
  }
}

/** Return the last message that a step has written, which has the highest number. */
function lastMessage(run, step) {
  const written = [...document.querySelectorAll(`[data-run="${run}"]`)];
  const own = written.filter(({ dataset }) => dataset.wrote === step);
  return own.sort((one, other) => one.dataset.seq - other.dataset.seq).at(-1);
}

function hasEnded(run) {
  const shown = document.getElementById(`run-card-${run}`) ?? document.getElementById(`run-now-${run}`);
  return ENDED.includes(shown?.dataset.look);
}

customElements.define("written-texts", WrittenTexts);
