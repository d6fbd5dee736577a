/* The buttons on a run's page depend on the viewer, but the rest of the page is pushed to everybody. So
   the buttons are fetched again when the run enters another phase, but never while one of their dialogs
   is open.

   They form one row at any width. Buttons without room move to the menu "More", those marked as seldom
   needed first; the first button always stays in the row. */

class RunOperations extends HTMLElement {
  connectedCallback() {
    this.look = () => this.update();
    document.addEventListener("live", this.look);
    this.addEventListener("toggle", this.look, true);
    this.readRow();
    this.sizes = new ResizeObserver(() => this.arrange());
    this.sizes.observe(this);
  }

  disconnectedCallback() {
    document.removeEventListener("live", this.look);
    this.sizes.disconnect();
  }

  get isOpen() {
    return this.querySelector("[popover]:popover-open") !== null;
  }

  get isCurrent() {
    const now = document.querySelector(".run-now")?.dataset.phase;
    return !now || now === this.row.dataset.phase;
  }

  async update() {
    if (this.isBusy || this.isOpen || this.isCurrent) return;
    this.isBusy = true;
    const answer = await fetch(this.getAttribute("href")).catch(() => null);
    if (answer?.ok && !answer.redirected) this.take(await answer.text());
    this.isBusy = false;
  }

  take(html) {
    if (this.isOpen) return;
    const template = document.createElement("template");
    template.innerHTML = html;
    const hadFocus = this.contains(document.activeElement);
    this.replaceChildren(template.content);
    this.readRow();
    this.arrange();
    if (hadFocus) this.querySelector("button")?.focus({ preventScroll: true });
  }

  readRow() {
    this.row = this.querySelector(".operations");
    this.menu = this.row.querySelector(".operations__menu");
    this.beside = [...this.row.querySelectorAll(":scope > .button")];
    this.more = this.beside.pop();
  }

  arrange() {
    if (this.isOpen) return;
    const focused = this.contains(document.activeElement) ? document.activeElement : null;
    for (const one of this.beside) this.more.before(one);
    this.row.removeAttribute("data-tight");
    this.mark();
    for (const one of this.leastNeeded()) {
      if (this.fits()) break;
      this.menu.prepend(one);
      this.mark();
    }
    this.row.toggleAttribute("data-tight", !this.fits()); // only now are words broken
    if (focused !== document.activeElement) (this.menu.contains(focused) ? this.more : focused)?.focus({ preventScroll: true });
  }

  mark() {
    for (const one of this.beside) one.classList.toggle("operations__item", one.parentElement === this.menu);
    this.more.hidden = !this.menu.querySelector(".button");
  }

  leastNeeded() {
    const [, ...others] = this.beside;
    const isSeldom = (one) => one.hasAttribute("data-seldom");
    return [...others.filter((one) => !isSeldom(one)), ...others.filter(isSeldom)].reverse();
  }

  /** Return true if all buttons fit in the row; only the label of the first one may be shortened. */
  fits() {
    const buttons = [...this.row.querySelectorAll(":scope > .button:not([hidden])")];
    if (!buttons.length) return true;
    const gaps = (buttons.length - 1) * parseFloat(getComputedStyle(this.row).columnGap);
    const width = buttons.reduce((sum, one) => sum + one.getBoundingClientRect().width, gaps);
    const { scrollHeight, clientHeight, scrollWidth, clientWidth } = buttons[0].firstElementChild;
    const isWhole = scrollHeight <= clientHeight + 1 && scrollWidth <= clientWidth + 1;
    return isWhole && Math.floor(width) <= this.row.clientWidth;
  }
}

customElements.define("run-operations", RunOperations);
