/* An answer that is a whole page (one has to sign in again, the form was too old) is no part of
   this page: it is loaded anew, and what was typed is kept by keep-draft. This is decided before anybody
   else hears of the answer: what would be forgotten once it was sent is not. */

const SIGN_IN = document.documentElement.dataset.signIn;

function loadAnew(event) {
  const { xhr, requestConfig } = event.detail;
  const isPage = xhr.responseText.trimStart().slice(0, 9).toLowerCase() === "<!doctype";
  const isWanted = requestConfig.elt.hasAttribute("hx-select") && xhr.status === 200;
  if (!isPage || (isWanted && !new URL(xhr.responseURL).pathname.startsWith(SIGN_IN))) return;
  event.preventDefault();
  document.dispatchEvent(new CustomEvent("page:reload", { detail: requestConfig }));
  location.reload();
}

document.addEventListener("htmx:beforeSwap", loadAnew, true);
