/* A field above many options that hides the options without its words. If only one is left, Enter chooses it.

   <option-filter><input type="search"></option-filter> is placed in the fieldset of the options. */

class OptionFilter extends HTMLElement {
  connectedCallback() {
    this.field = this.querySelector("input");
    this.field.addEventListener("input", () => this.narrow());
    this.field.addEventListener("keydown", (event) => this.onKey(event));
  }

  get options() {
    return [...this.closest("fieldset").querySelectorAll(".options__item")];
  }

  narrow() {
    const words = this.field.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const option of this.options) {
      const text = option.textContent.toLowerCase();
      const isChosen = option.querySelector("input").checked;
      option.hidden = !isChosen && !words.every((word) => text.includes(word));
    }
  }

  onKey(event) {
    if (event.key !== "Enter" || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const left = this.options.filter((option) => !option.hidden && !option.querySelector(":checked"));
    if (left.length !== 1) return;
    const input = left[0].querySelector("input");
    input.click();
    input.focus();
  }
}

customElements.define("option-filter", OptionFilter);
