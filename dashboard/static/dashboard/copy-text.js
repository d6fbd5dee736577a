/* <copy-text text="…">shown</copy-text> gets a button that copies the whole text. */

const THANKS = 1500;

class CopyText extends HTMLElement {
  connectedCallback() {
    if (this.button || !navigator.clipboard) return;
    this.button = document.createElement("button");
    this.button.type = "button";
    this.button.className = "copy-text__button";
    this.say("copy");
    this.button.addEventListener("click", () => this.copy());
    this.append(this.button);
  }

  async copy() {
    await navigator.clipboard.writeText(this.getAttribute("text"));
    this.say("copied");
    setTimeout(() => this.say("copy"), THANKS);
  }

  say(name) {
    this.button.textContent = textOf(name);
  }
}

customElements.define("copy-text", CopyText);
