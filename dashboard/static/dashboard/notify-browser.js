/* <notify-browser worker="…" key="…"> switches notifications on in this browser. Its form sends the address and
   the keys of the browser's push subscription. Its other parts say why that isn't possible, by data-when. */

const isAble = navigator.serviceWorker && window.PushManager && window.Notification;

const asText = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");

class NotifyBrowser extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector("form");
    this.form.addEventListener("submit", (event) => this.submit(event));
    if (isAble) this.show("able");
  }

  show(state) {
    for (const part of this.querySelectorAll("[data-when]")) {
      part.hidden = !part.dataset.when.split(" ").includes(state);
    }
  }

  submit(event) {
    if (this.form.elements.endpoint.value) return;
    event.preventDefault();
    // A second click would end the subscription that the first click is about to send.
    if (this.isBusy) return;
    this.isBusy = true;
    this.subscribe()
      .catch(() => this.show("failed"))
      .finally(() => (this.isBusy = false));
  }

  async subscribe() {
    const permission = await Notification.requestPermission();
    // If the question was closed without an answer, the browser can ask again.
    if (permission !== "granted") return this.show(permission === "denied" ? "blocked" : "able");
    await navigator.serviceWorker.register(this.getAttribute("worker"));
    const { pushManager } = await navigator.serviceWorker.ready;
    // The browser would refuse a new subscription while it has one for an earlier key of the site.
    await (await pushManager.getSubscription())?.unsubscribe();
    const subscription = await pushManager.subscribe({
      userVisibleOnly: true,
      applicationServerKey: this.getAttribute("key"),
    });
    const { endpoint, public_key: key, secret } = this.form.elements;
    key.value = asText(subscription.getKey("p256dh"));
    secret.value = asText(subscription.getKey("auth"));
    endpoint.value = subscription.endpoint;
    this.form.requestSubmit();
  }
}

customElements.define("notify-browser", NotifyBrowser);
