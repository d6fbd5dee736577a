/* A form with data-once is sent only once: its buttons are disabled until the page is shown again. */

document.addEventListener("submit", ({ target }) => {
  if (!target.matches("[data-once]")) return;
  setTimeout(() => rest(target, true));
});

addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("[data-once]")) rest(form, false);
});

function rest(form, isSent) {
  for (const button of form.querySelectorAll("button")) button.disabled = isSent;
  form.toggleAttribute("aria-busy", isSent);
}
