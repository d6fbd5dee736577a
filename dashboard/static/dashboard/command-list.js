/* The list of commands over the composer, while the first word of a message begins with a slash.

   Tab completes a command, and Enter opens it. */

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

  /** What begins with the words comes first in importance, but the order stays: it is by last use. */
  showFitting(words) {
    for (const option of this.list.children) option.hidden = !fits(option, words);
    const { options } = this;
    if (!options.length) return this.close();
    const exact = options.find(({ dataset }) => plain(dataset.text.slice(1)).startsWith(words));
    this.show(exact ?? options[0]);
  }

  complete() {
    this.text.value = `${this.chosen.dataset.text} `;
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

const plain = (text) => text.normalize("NFKC").toLowerCase().replace(/[\s_-]+/gu, " ");
const fits = ({ dataset }, words) => plain(dataset.words).includes(words);

customElements.define("command-list", CommandList);
