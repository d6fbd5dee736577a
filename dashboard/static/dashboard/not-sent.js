/* Says in a form that what was sent may be lost, so that nobody believes to have answered: the
   server may have it, when only its reply was lost, and takes the same answer once.

   A page that is loaded anew instead (whole-pages.js) says so as well, when its form is there again. */

const KEY = "not-sent";
const LOST = textOf("answer-perhaps-lost");
const TOO_OLD = textOf("page-too-old");

function tell(form, words) {
  const told = form?.querySelector(".answer__told, .composer__told");
  if (told) told.textContent = words;
}

function answerOf({ target }) {
  return target.matches?.(".answer") ? target : null;
}

document.addEventListener("htmx:beforeRequest", (event) => tell(answerOf(event), ""));
document.addEventListener("htmx:sendError", (event) => tell(answerOf(event), LOST));
document.addEventListener("htmx:responseError", (event) => tell(answerOf(event), LOST));

/** For a form that a reload takes away; the next page in this tab that has it tells. */
document.addEventListener("page:reload", ({ detail }) => {
  if (detail.verb === "post") sessionStorage.setItem(KEY, detail.path);
});

const path = sessionStorage.getItem(KEY);
const form = path && document.querySelector(`form[action="${CSS.escape(path)}"]`);
if (form) {
  tell(form, TOO_OLD);
  sessionStorage.removeItem(KEY);
}
