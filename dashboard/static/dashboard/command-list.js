/* The list of commands over the composer, while the first word of a message begins with a slash.

   Tab completes a command, and Enter opens it. A command that is typed whole is opened as it is typed, as the server
   reads it: by its name, or by its title. */

const FRESH = 30_000;
const COMMAND = /^\s*[/\uFF0F]([^\s/\uFF0F]*)$/u;
const read = { at: 0, href: "", html: undefined };

class CommandList extends ComposerList {
  async update() {
    const wanted = COMMAND.exec(this.text.value);
    if (!wanted) return this.close();
    if (!this.list.firstElementChild) this.list.innerHTML = await optionsOf(this.getAttribute("href"));
    const current = COMMAND.exec(this.text.value);
    if (current && this.isConnected && document.activeElement === this.text) this.showFitting(plain(current[1]));
  }

  /** The order stays: it is by last use. */
  showFitting(words) {
    for (const option of this.list.children) option.hidden = !fits(option, words);
    const { options } = this;
    if (options.length) this.show(meant(options, words));
    else this.close();
  }

  complete(option) {
    this.text.value = `${option.dataset.text} `;
    this.text.dispatchEvent(new Event("input", { bubbles: true }));
  }

  open(option) {
    if (!option) return;
    this.text.value = option.dataset.text;
    this.close();
    this.form.requestSubmit();
  }
}

/** The same for all fields of a page, and for all letters that are typed until it is there; read again
    after a while, as somebody may start other things. */
function optionsOf(href) {
  if (read.href !== href || Date.now() - read.at > FRESH) Object.assign(read, { at: Date.now(), href, html: fetchOptions(href) });
  return read.html;
}

async function fetchOptions(href) {
  const answer = await fetch(href, { headers: { "HX-Request": "true" } }).catch(() => null);
  if (answer?.ok && !answer.redirected) return answer.text();
  read.at = 0;
  return "";
}

/* As the server compares names. */
const plain = (text) => text.normalize("NFKC").toLowerCase().replace(/[^\p{L}\p{N}]+/gu, " ").trim();
const nameOf = ({ dataset }) => plain(dataset.text);
const titleOf = ({ dataset }) => plain(dataset.title);
const fits = (option, words) => `${nameOf(option)} ${titleOf(option)}`.includes(words);

/** What the words are, or else what they begin; nothing while there are no words. Two words are never
    the completion of one, because that one may be a command itself. */
function meant(options, words) {
  if (!words) return null;
  const isMeant = [
    (option) => nameOf(option) === words,
    (option) => titleOf(option) === words,
    (option) => nameOf(option).startsWith(words) && !option.dataset.text.includes(" "),
  ];
  return isMeant.map((test) => options.find(test)).find(Boolean);
}

customElements.define("command-list", CommandList);
