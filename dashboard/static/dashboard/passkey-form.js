/* A form with data-passkey="create" or "get" asks the browser for a passkey, and sends what it answers. What the
   site asks for is in the element with the id passkey-options, or else at the form's address. */

const isAble = window.PublicKeyCredential?.parseRequestOptionsFromJSON;

async function optionsOf(form) {
  const here = document.getElementById("passkey-options");
  if (here) return JSON.parse(here.textContent).publicKey;
  const answer = await fetch(form.action, { headers: { Accept: "application/json" } });
  return (await answer.json()).request_options.publicKey;
}

function create(options) {
  // Kept by the device, and only for whoever can unlock it: so it can stand for name and password.
  Object.assign(options.authenticatorSelection, {
    residentKey: "required",
    requireResidentKey: true,
    userVerification: "required",
  });
  return navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) });
}

function get(options) {
  return navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
}

function show(form, fault) {
  for (const part of form.querySelectorAll("[data-fault]")) part.hidden = part.dataset.fault !== fault;
}

async function send(form) {
  const verb = form.dataset.passkey === "create" ? create : get;
  const credential = await verb(await optionsOf(form));
  form.elements.credential.value = JSON.stringify(credential.toJSON());
  form.requestSubmit();
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  form.addEventListener("submit", (event) => {
    if (form.elements.credential.value) return;
    event.preventDefault();
    show(form, isAble ? "" : "unable");
    if (isAble) send(form).catch(() => show(form, "refused"));
  });
}
