/* Django's widget for many choices gives an icon a label but no role, so screen readers don't read the label. */
addEventListener("load", () => {
  for (const icon of document.querySelectorAll(".help-tooltip[aria-label]:not([role])")) {
    icon.setAttribute("role", "img");
  }
});
