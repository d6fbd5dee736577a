/* The number of requests that wait for the viewer, or of sessions with such requests. Each frame of the
   inbox contains it, so that nothing needs to be fetched.

   <waiting-count of="requests" data-count="2" singular="{count} waits" plural="{count} wait">
     2 wait
   </waiting-count> */

const MOST = 99;

class WaitingCount extends HTMLElement {
  connectedCallback() {
    if (this.getAttribute("of") === "requests") badge(parseInt(this.dataset.count, 10));
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
    if (this.getAttribute("of") === "requests") showOutside(count, shown);
    const sentence = this.getAttribute(count === 1 ? "singular" : "plural");
    this.innerHTML = sentence.trim().replace("{count}", shown);
  }
}

/** Show the number in the page's title and on the icon of the installed app. */
function showOutside(count, shown) {
  const title = document.title.replace(/^\(\d+\+?\) /, "");
  document.title = count ? `(${shown}) ${title}` : title;
  badge(count);
}

function badge(count) {
  navigator.setAppBadge?.(count).catch(() => {}); // not installed, or not allowed
}

customElements.define("waiting-count", WaitingCount);
