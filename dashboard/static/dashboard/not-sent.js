/* Shows in a form that the answer just sent may be lost, so that nobody thinks that they have answered.
   If only the server's response was lost, the server has the answer, and counts the same answer only once.

   If the page is reloaded instead (whole-pages.js), it shows that in the same form after the reload. */

const KEY = "not-sent";
const LOST = textOf("answer-perhaps-lost");
const TOO_OLD = textOf("page-too-old");

function tell(form, words) {
  const feedback = form?.querySelector(".answer__feedback, .composer__feedback");
  if (feedback) feedback.textContent = words;
}

function answerOf({ target }) {
  return target.matches?.(".answer") ? target : null;
}

document.addEventListener("htmx:beforeRequest", (event) => tell(answerOf(event), ""));
document.addEventListener("htmx:sendError", (event) => tell(answerOf(event), LOST));
document.addEventListener("htmx:responseError", (event) => tell(answerOf(event), LOST));

/* A reload removes the form, so the next page in this tab that contains the form shows the message. */
document.addEventListener("page:reload", ({ detail }) => {
  if (detail.verb === "post") sessionStorage.setItem(KEY, detail.path);
});

const path = sessionStorage.getItem(KEY);
const form = path && document.querySelector(`form[action="${CSS.escape(path)}"]`);
if (form) {
  tell(form, TOO_OLD);
  sessionStorage.removeItem(KEY);
}
