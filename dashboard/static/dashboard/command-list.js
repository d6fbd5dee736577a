/* The list of commands over the composer, while the first word of a message begins with a slash.

   Tab completes a command, and Enter opens it. A whole name or title is opened as it was typed, as by the server. */

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

  /** Show the options that fit the words, in their order, which is by last use. */
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

/** Return the list's HTML, which is fetched once for all fields and letters, and again after half a minute. */
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

/* Names are compared as on the server. */
const plain = (text) => text.normalize("NFKC").toLowerCase().replace(/[^\p{L}\p{N}]+/gu, " ").trim();
const nameOf = ({ dataset }) => plain(dataset.text);
const titleOf = ({ dataset }) => plain(dataset.title);
const fits = (option, words) => `${nameOf(option)} ${titleOf(option)}`.includes(words);

/** Return the option whose name or title is the words, or else one whose name begins with them; null if there is
    none. A name of two words never completes one word, because that may be a command itself. */
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
