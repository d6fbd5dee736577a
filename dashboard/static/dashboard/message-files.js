/* Files for a message: chosen, dropped on the conversation, or pasted, such as a screenshot. Each file is sent
   at once, and gets a checkbox in the message's form. A message isn't sent before its files have arrived. */

const MEGABYTE = 1024 * 1024;

class MessageFiles extends HTMLElement {
  connectedCallback() {
    this.form = this.closest("form");
    this.list = this.querySelector("ul");
    this.feedback = this.querySelector("[role=status]");
    this.text = this.form.elements.text;
    this.input = this.form.elements.upload;
    this.sending = 0;
    this.input.addEventListener("change", () => this.takeChosen());
    this.text.addEventListener("paste", (event) => this.takeFrom(event, event.clipboardData));
    this.form.addEventListener("submit", (event) => this.hold(event), { capture: true });
    this.list.addEventListener("change", () => this.count());
    this.place = this.closest(".chat__talk");
    this.listeners = new AbortController();
    const { signal } = this.listeners;
    this.place.addEventListener("dragover", (event) => this.show(event), { signal });
    this.place.addEventListener("dragleave", (event) => this.hide(event), { signal });
    this.place.addEventListener("drop", (event) => this.drop(event), { signal });
    this.count();
  }

  disconnectedCallback() {
    this.listeners.abort();
    delete this.place.dataset.dropping;
  }

  takeChosen() {
    const files = [...this.input.files];
    this.input.value = ""; // files are sent separately, not again with the message
    this.add(files);
  }

  /** Take the files that were pasted or dropped; plain text is left to the browser. */
  takeFrom(event, data) {
    if (!data?.files.length) return;
    event.preventDefault();
    this.add([...data.files]);
  }

  show(event) {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    this.place.dataset.dropping = "";
  }

  hide({ relatedTarget }) {
    if (!this.place.contains(relatedTarget)) delete this.place.dataset.dropping;
  }

  drop(event) {
    delete this.place.dataset.dropping;
    this.takeFrom(event, event.dataTransfer);
    this.text.focus();
  }

  add(files) {
    this.feedback.textContent = "";
    for (const file of files) {
      const limit = this.getAttribute("most");
      if (file.size > Number(limit) * MEGABYTE) {
        this.tell(textOf("file-too-large", { name: file.name, limit }));
      } else this.send(file);
    }
    this.count();
  }

  send(file) {
    const row = document.importNode(this.querySelector("template").content, true).firstElementChild;
    row.querySelector(".attached__name").textContent = file.name;
    row.querySelector("progress").setAttribute("aria-label", file.name);
    this.list.append(row);
    this.sending += 1;
    const request = new XMLHttpRequest(); // fetch doesn't tell how much has been sent
    request.upload.addEventListener("progress", ({ loaded, total }) => {
      row.querySelector("progress").value = loaded / total;
    });
    request.addEventListener("loadend", () => this.finish(request, row, file));
    request.open("POST", this.getAttribute("href"));
    request.setRequestHeader("X-CSRFToken", this.form.elements.csrfmiddlewaretoken.value);
    const body = new FormData();
    body.append("upload", file);
    request.send(body);
  }

  finish({ status, responseText }, row, file) {
    this.sending -= 1;
    if (status === 201) row.outerHTML = responseText;
    else {
      row.remove();
      this.isHeld = false; // the author decides whether to send the message without this file
      this.tell(status === 422 ? responseText : textOf("file-not-sent", { name: file.name }));
    }
    this.count();
    if (!this.isHeld || this.sending) return;
    this.isHeld = false;
    this.form.requestSubmit();
  }

  tell(words) {
    this.feedback.textContent = `${this.feedback.textContent} ${words}`.trim();
  }

  get boxes() {
    return [...this.list.querySelectorAll("input:checked")];
  }

  /** Require a text only if the message has no file. */
  count() {
    this.text.required = !this.sending && !this.boxes.length;
  }

  hold(event) {
    if (!this.sending) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    this.isHeld = true;
  }

  /** Return the files for a message that waits in the outbox, and remove them from the form. */
  take() {
    const taken = this.boxes.map((box) => ({ token: box.value, name: box.parentElement.querySelector("bdi").textContent }));
    this.list.replaceChildren();
    this.count();
    return taken;
  }
}

customElements.define("message-files", MessageFiles);
