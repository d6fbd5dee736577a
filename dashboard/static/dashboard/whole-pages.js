/* If the response to htmx is a whole page, because the viewer must sign in again or the form was too old,
   this page is reloaded; keep-draft keeps the typed text. Other scripts don't learn of the response, so they
   don't delete the text as if it had been sent. */

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
