/** Django's widget for many choices gives an icon a name and no role, so that no reader tells it. */
addEventListener("load", () => {
  for (const icon of document.querySelectorAll(".help-tooltip[aria-label]:not([role])")) {
    icon.setAttribute("role", "img");
  }
});
