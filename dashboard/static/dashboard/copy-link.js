/* <copy-link><a href="…">icon</a></copy-link>: a click on the link copies its address and shows a toast.
   Without a clipboard, it is an ordinary link. */

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
    if (event.ctrlKey || event.metaKey || event.shiftKey) return; // opens a new tab or window, as for any link
    event.preventDefault();
    try {
      await navigator.clipboard.writeText(this.link.href);
      toast(textOf("link-copied"));
    } catch {
      location.assign(this.link.href);
    }
  }
}

/** Show words for a few seconds, about what has just been done. */
function toast(words) {
  const element = document.createElement("p");
  element.className = "toast";
  element.textContent = words;
  element.dir = "auto";
  toasts().replaceChildren(element);
  setTimeout(() => element.remove(), SHOWN);
}

/** Return the status element, which must exist before its text: some screen readers don't read it otherwise. */
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
