/* Content that scripts store in this browser, as JSON under a key.

   If the storage is full or forbidden, nothing is stored, and the page works without it. */

window.keptHere = {
  read(key) {
    try {
      return JSON.parse(localStorage.getItem(key)) ?? {};
    } catch {
      return {};
    }
  },

  write(key, content) {
    try {
      localStorage.setItem(key, JSON.stringify(content));
    } catch {
      /* the open page still has the content */
    }
  },

  forget(key) {
    try {
      localStorage.removeItem(key);
    } catch {
      /* nothing was stored */
    }
  },
};
