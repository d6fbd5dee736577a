/* A field for several names, separated by commas, whose suggestions complete the last name.

   <people-field><input list="known-people"><datalist>…</datalist></people-field> */

class PeopleField extends HTMLElement {
  connectedCallback() {
    this.field = this.querySelector("input");
    this.options = [...this.querySelectorAll("option")];
    this.names = this.options.map((option) => option.value);
    this.field.addEventListener("input", () => this.suggest());
  }

  /** Begin each suggestion with the names already typed, because browsers compare it with the whole field. */
  suggest() {
    const before = this.field.value.match(/^.*,\s*/s)?.[0] ?? "";
    const given = new Set(before.split(",").map((name) => name.trim()));
    this.options.forEach((option, place) => {
      const name = this.names[place];
      option.value = given.has(name) ? "" : before + name;
    });
  }
}

customElements.define("people-field", PeopleField);
