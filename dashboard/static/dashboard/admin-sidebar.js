/* Opens the admin's menu before anything is drawn. Django opens it only after the page has loaded, so on a slow
   machine, the page would visibly move. */
document.getElementById("main").classList.toggle("shifted", localStorage.getItem("django.admin.navSidebarIsOpen") !== "false");
