/* <notify-browser worker="…" key="…"> switches notifications on in this browser. Its form sends what the browser's
   push service needs to know of it; its other parts say what is in the way, by data-when. */

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
    // A second click meanwhile would end the subscription that the first one is about to send.
    if (this.isBusy) return;
    this.isBusy = true;
    this.subscribe()
      .catch(() => this.show("failed"))
      .finally(() => (this.isBusy = false));
  }

  async subscribe() {
    const permission = await Notification.requestPermission();
    // Whoever has closed the question without an answer can be asked again.
    if (permission !== "granted") return this.show(permission === "denied" ? "blocked" : "able");
    await navigator.serviceWorker.register(this.getAttribute("worker"));
    const { pushManager } = await navigator.serviceWorker.ready;
    // One that was made for an earlier key of the site would be refused for this one.
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
