/* Django's widget for many choices gives an icon a label but no role, so screen readers don't read the label.
   The widget is made when the page is loaded, by a script that comes after this one. */
addEventListener("load", () => setTimeout(() => {
  for (const icon of document.querySelectorAll(".help-tooltip[aria-label]:not([role])")) {
    icon.setAttribute("role", "img");
  }
}));
