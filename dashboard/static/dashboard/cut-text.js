/* A text in a room that doesn't depend on it, so that nothing below it moves when it gets longer. What
   doesn't fit is behind a button; whoever opens it gives the text more room, also for what comes next.

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

  /** The button has a line of its own below the whole text. */
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
