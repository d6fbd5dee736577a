/* The dot in the menu that says that something is new in the chat. Each frame of the stream "chat" contains
   the sessions and their newest messages, so that nothing needs to be fetched, except a list of sessions that
   shows something else. Until the first frame arrives, the dot is as on the previous page.

   <unread-dot hidden>Something is new</unread-dot> */

const KEPT = "unread";

class UnreadDot extends HTMLElement {
  connectedCallback() {
    this.hidden = !kept();
    this.hear = ({ target, detail }) => target.stream === "chat" && this.take(detail.sessions ?? {});
    document.addEventListener("live", this.hear);
  }

  disconnectedCallback() {
    document.removeEventListener("live", this.hear);
  }

  take(sessions) {
    // The viewer is reading the open session.
    const open = document.hidden ? null : document.querySelector("read-marks")?.getAttribute("session");
    this.hidden = Object.keys(sessions).every((session) => session === open);
    keep(!this.hidden);
    const list = document.getElementById("sessions");
    if (list && (this.wasTold || differs(list, sessions))) window.htmx?.trigger(list, "unread");
    this.wasTold = true;
  }
}

/** What is new is among the newest sessions, of which only a page of older ones shows none. */
function differs(list, sessions) {
  const rows = [...list.querySelectorAll("[data-session]")];
  const shown = new Set(rows.map(({ dataset }) => dataset.session));
  const isOlder = new URLSearchParams(location.search).has("older");
  if (!isOlder && Object.keys(sessions).some((session) => !shown.has(session))) return true;
  return rows.some(({ dataset }) => {
    const newest = sessions[dataset.session] ?? 0;
    return (newest > 0) !== ("unread" in dataset) || newest > Number(dataset.seq);
  });
}

function keep(isUnread) {
  try {
    sessionStorage.setItem(KEPT, isUnread ? "1" : "");
  } catch {
    /* storage is forbidden, so the dot appears with the first frame */
  }
}

function kept() {
  try {
    return sessionStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

customElements.define("unread-dot", UnreadDot);
