/* Opens the admin's menu before anything is drawn. Django's own script opens it only after the page has been
   read, so on a slow machine, the page would visibly move. It sets a class, which then replaces this mark. */
if (localStorage.getItem("django.admin.navSidebarIsOpen") !== "false") {
  const { dataset } = document.documentElement;
  dataset.menu = "open";
  addEventListener("DOMContentLoaded", () => delete dataset.menu);
}
