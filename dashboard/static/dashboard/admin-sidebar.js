/* Opens the admin's menu before anything is drawn. Django does it when the page is loaded, and on a slow
   machine the page moves aside then. */
document.getElementById("main").classList.toggle("shifted", localStorage.getItem("django.admin.navSidebarIsOpen") !== "false");
