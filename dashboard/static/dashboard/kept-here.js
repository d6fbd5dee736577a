/* Content that a script keeps in this browser, as JSON under a key.

   A full or forbidden storage keeps nothing, and then nothing is read: the page goes on without it. */

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
      /* the form itself, or the page as long as it is open, still has it */
    }
  },

  forget(key) {
    try {
      localStorage.removeItem(key);
    } catch {
      /* nothing was kept */
    }
  },
};
