/* A text in a box of fixed height, so that nothing below it moves when the text gets longer. A button
   shows the part that doesn't fit: it makes the box higher, and the box stays so when the text is replaced.

   <cut-text class="cut-text" id="…"><p>…</p><button class="cut-text__button">…</button></cut-text> */

class CutText extends HTMLElement {
  connectedCallback() {
    [this.text, this.button] = this.children;
    this.button.addEventListener("click", () => this.giveRoom());
    this.sizes = new ResizeObserver(() => this.look());
    this.sizes.observe(this.text);
    this.sizes.observe(this);
    this.look();
  }

  disconnectedCallback() {
    this.sizes.disconnect();
  }

  get isCut() {
    return this.text.offsetHeight > this.clientHeight;
  }

  look() {
    const { isCut } = this;
    this.toggleAttribute("data-cut", isCut);
    this.button.hidden = !isCut && !this.style.blockSize;
    this.button.setAttribute("aria-expanded", !isCut);
  }

  /** Make the box as high as the whole text and the button below it; a second press undoes that. */
  giveRoom() {
    this.style.blockSize = this.isCut ? `${this.text.offsetHeight + this.button.offsetHeight}px` : "";
    this.look();
  }
}

document.addEventListener("live:replace", ({ detail: { old, fresh } }) => {
  for (const { id, style } of old?.querySelectorAll(".cut-text[id]") ?? []) {
    const twin = fresh.querySelector(`#${CSS.escape(id)}`);
    if (twin) twin.style.blockSize = style.blockSize;
  }
});

customElements.define("cut-text", CutText);
