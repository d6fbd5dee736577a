/* How many requests wait for the person, or in how many sessions: each frame of the inbox says it,
   so that nothing needs to be fetched.

   <waiting-count of="requests" data-count="2" singular="{count} waits" plural="{count} wait">
     2 wait
   </waiting-count> */

const MOST = 99;

class WaitingCount extends HTMLElement {
  connectedCallback() {
    this.hear = ({ target, detail }) => {
      const count = target.stream === "inbox" ? detail[this.getAttribute("of")] : undefined;
      if (count !== undefined) this.show(count);
    };
    document.addEventListener("live", this.hear);
  }

  disconnectedCallback() {
    document.removeEventListener("live", this.hear);
  }

  show(count) {
    const shown = count > MOST ? `${MOST}+` : String(count);
    if (this.dataset.count === shown) return;
    this.dataset.count = shown;
    const sentence = this.getAttribute(count === 1 ? "singular" : "plural");
    this.innerHTML = sentence.trim().replace("{count}", shown);
  }
}

customElements.define("waiting-count", WaitingCount);
