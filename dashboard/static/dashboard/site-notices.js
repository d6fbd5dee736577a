/* Keeps what the site announces current: announcements appear and end on open pages, without a reload.

   <site-notices href="/announcements" seconds="1200">…a live region with a form for each…</site-notices>

   It is read again when the server says so, when the next announcement begins or ends, and now and then: often
   where nobody says so, as in the admin or without a socket. An announcement that is shown already stays, so
   that screen readers don't read it twice. */

const SPREAD = 1500;
const OFTEN = 60_000;
const RARELY = 600_000;

class SiteNotices extends HTMLElement {
  #timer = 0;

  connectedCallback() {
    this.readAt = Date.now();
    this.hear = () => setTimeout(() => this.read(), Math.random() * SPREAD);
    this.look = () => !document.hidden && this.isOld && this.read();
    document.addEventListener("live:announced", this.hear);
    document.addEventListener("visibilitychange", this.look);
    this.addEventListener("submit", (event) => this.dismiss(event));
    this.plan();
  }

  disconnectedCallback() {
    clearTimeout(this.#timer);
    document.removeEventListener("live:announced", this.hear);
    document.removeEventListener("visibilitychange", this.look);
  }

  get isOld() {
    return Date.now() - this.readAt >= this.pause;
  }

  get pause() {
    const isTold = document.documentElement.dataset.live === "live";
    const next = Number(this.getAttribute("seconds") ?? Infinity) * 1000;
    return Math.min(next, isTold ? RARELY : OFTEN);
  }

  plan(pause = this.pause) {
    clearTimeout(this.#timer);
    // A page that nobody looks at reads nothing; it does once somebody returns to it.
    this.#timer = setTimeout(() => (document.hidden ? null : this.read()), pause);
  }

  async read() {
    this.readAt = Date.now();
    const answer = await fetch(this.getAttribute("href")).catch(() => null);
    // Whoever has been signed out is led to another page.
    const isRead = answer?.ok && !answer.redirected;
    const html = isRead ? await answer.text().catch(() => null) : null;
    if (html !== null) this.show(html);
    this.plan();
  }

  show(html) {
    const template = document.createElement("template");
    template.innerHTML = html;
    const fresh = template.content.querySelector("site-notices");
    if (!fresh) return;
    const seconds = fresh.getAttribute("seconds");
    if (seconds === null) this.removeAttribute("seconds");
    else this.setAttribute("seconds", seconds);
    const wanted = new Map(pieces(fresh).map((one) => [one.dataset.keyOf, one]));
    for (const one of pieces(this)) if (!wanted.delete(one.dataset.keyOf)) one.remove();
    this.querySelector(".announcements__list").append(...wanted.values());
  }

  async dismiss(event) {
    event.preventDefault();
    const form = event.target;
    const answer = await fetch(form.action, {
      method: "POST",
      body: new FormData(form),
      redirect: "manual",
    }).catch(() => null);
    if (answer?.type !== "opaqueredirect") return;
    const next = form.nextElementSibling ?? form.previousElementSibling;
    form.remove();
    // The focus would be lost with the button.
    const main = document.querySelector("main");
    if (!next) main.tabIndex = -1;
    (next?.querySelector("button") ?? main).focus();
  }
}

function pieces(element) {
  return [...element.querySelectorAll(".announcement")];
}

customElements.define("site-notices", SiteNotices);
