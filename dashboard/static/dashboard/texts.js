/* The sentences of the scripts in the page's language, by their names in dashboard/templatetags/texts.py:
   textOf("ago", { length: "5 min" }). */

const texts = JSON.parse(document.getElementById("texts").textContent);

window.textOf = (name, values = {}) => texts[name].replace(/\{(\w+)\}/g, (_, key) => values[key]);
