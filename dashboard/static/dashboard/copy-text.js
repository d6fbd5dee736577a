/* <copy-text text="…">shown</copy-text> gets a button that copies the whole text. */

const THANKS = 1500;

class CopyText extends HTMLElement {
  connectedCallback() {
    if (this.button || !navigator.clipboard) return;
    this.button = document.createElement("button");
    this.button.type = "button";
    this.button.className = "copy-text__button";
    this.say("Copy");
    this.button.addEventListener("click", () => this.copy());
    this.append(this.button);
  }

  async copy() {
    await navigator.clipboard.writeText(this.getAttribute("text"));
    this.say("Copied");
    setTimeout(() => this.say("Copy"), THANKS);
  }

  say(word) {
    this.button.textContent = word;
  }
}

customElements.define("copy-text", CopyText);
