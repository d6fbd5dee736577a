/* Labels that Django's widgets lack, so that screen readers read them. The widgets are made when the page is
   loaded, by scripts that come after this one. */
addEventListener("load", () => setTimeout(() => {
  for (const icon of document.querySelectorAll(".help-tooltip[aria-label]:not([role])")) {
    icon.setAttribute("role", "img");
  }
}));

/* A field with a search hides its list, and shows a box that the list's label doesn't name. */
const nameBoxes = () => {
  for (const list of document.querySelectorAll("select.select2-hidden-accessible")) {
    const [label] = list.labels;
    const shown = list.nextElementSibling?.querySelector('[role="combobox"]');
    const choice = shown?.querySelector('[role="textbox"]:not([aria-labelledby])');
    if (label && choice) {
      label.id ||= `${list.id}_label`;
      choice.setAttribute("aria-labelledby", label.id);
      shown.setAttribute("aria-labelledby", `${label.id} ${choice.id}`);
    }
  }
};

if (document.querySelector("select.admin-autocomplete")) {
  new MutationObserver(nameBoxes).observe(document.body, { childList: true, subtree: true });
}
