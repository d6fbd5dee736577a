/* A form with data-dialog shows the response in the dialog with that id, and so do forms inside the dialog:

   <form action="/inbox/bulk" data-dialog="bulk-dialog">…</form> <dialog id="bulk-dialog"></dialog>

   The server sends only the content. The element with data-first gets the focus; a link with data-close
   closes the dialog, as Escape does. When a dialog with a report is closed, "dialog:done" is dispatched with
   the requests that the report lists as applied. Without scripts, the responses are whole pages. */

const REFUSED = 422;
const REPORT = "[data-result]";

document.addEventListener("submit", (event) => {
  const { target: form, submitter } = event;
  const dialog = form.dataset.dialog ? document.getElementById(form.dataset.dialog) : form.closest(".dialog");
  if (!dialog) return;
  event.preventDefault();
  if (form.dataset.dialog) dialog.opener = form;
  submit(form, new FormData(form, submitter), dialog);
});

async function submit(form, sent, dialog) {
  const isPost = form.method === "post";
  const address = isPost ? form.action : `${form.action}?${new URLSearchParams(sent)}`;
  const options = { headers: { "HX-Request": "true" }, ...(isPost ? { method: "POST", body: sent } : {}) };
  const answer = await fetch(address, options).catch(() => null);
  const isShown = (answer?.ok && !answer.redirected) || answer?.status === REFUSED;
  const html = isShown ? await answer.text().catch(() => null) : null;
  if (html !== null) show(dialog, html);
  else if (isPost) tellLost(form);
  else location.assign(address);
}

function show(dialog, html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  dialog.replaceChildren(template.content);
  if (!dialog.open) open(dialog);
  dialog.querySelector("[data-first]")?.focus();
}

function open(dialog) {
  dialog.showModal();
  dialog.onclick = (event) => {
    if (event.target !== dialog && !event.target.closest("[data-close]")) return;
    event.preventDefault();
    dialog.close();
  };
  // Holding down the Enter that opened the dialog must not send its form.
  dialog.onkeydown = (event) => {
    if (event.key === "Enter" && event.repeat) event.preventDefault();
  };
  dialog.onclose = () => tellDone(dialog);
}

function tellDone(dialog) {
  const lines = [...dialog.querySelectorAll(REPORT)];
  const applied = lines.filter(({ dataset }) => dataset.result === "applied").map(({ dataset }) => dataset.request);
  dialog.replaceChildren();
  if (!lines.length) return;
  for (const field of dialog.opener.elements) if (field.type === "checkbox") field.checked = false;
  dialog.dispatchEvent(new CustomEvent("dialog:done", { bubbles: true, detail: { applied } }));
}

/** Say in the form that its answer may be lost; it can be sent again, because the same answer counts only once. */
function tellLost(form) {
  for (const button of form.querySelectorAll("button")) button.disabled = false;
  form.removeAttribute("aria-busy");
  const feedback = form.querySelector("[role=alert]");
  if (feedback) feedback.textContent = textOf("answer-perhaps-lost");
}
