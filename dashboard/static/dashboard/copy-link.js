/* <copy-link><a href="…">icon</a></copy-link>: the link copies its own address, and says so. Without a
   clipboard it stays a link, which opens what it leads to. */

const SHOWN = 4000;

class CopyLink extends HTMLElement {
  connectedCallback() {
    if (this.link || !navigator.clipboard) return;
    this.link = this.querySelector("a");
    this.link.setAttribute("role", "button");
    this.link.addEventListener("click", (event) => this.copy(event));
    this.link.addEventListener("keydown", (event) => event.key === " " && this.copy(event));
  }

  async copy(event) {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return; // opens it elsewhere, as any link
    event.preventDefault();
    try {
      await navigator.clipboard.writeText(this.link.href);
      toast(textOf("link-copied"));
    } catch {
      location.assign(this.link.href);
    }
  }
}

/** Says for a while what has just been done. */
function toast(words) {
  const said = document.createElement("p");
  said.className = "toast";
  said.textContent = words;
  said.dir = "auto";
  toasts().replaceChildren(said);
  setTimeout(() => said.remove(), SHOWN);
}

/** There before its words are: a status that comes together with them isn't read out everywhere. */
function toasts() {
  const found = document.getElementById("toasts");
  if (found) return found;
  const made = document.createElement("div");
  made.id = "toasts";
  made.className = "toasts";
  made.dataset.at = "top";
  made.setAttribute("role", "status");
  document.body.append(made);
  return made;
}

customElements.define("copy-link", CopyLink);
