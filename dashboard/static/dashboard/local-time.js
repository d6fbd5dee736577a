/* A time in the viewer's zone (that of the profile, else the browser's) and language: <local-time show="age"><time datetime=…>…</time>.

   clock  14:02, Fri 14:02, 12 Nov 14:02      seconds  14:02:09      axis  14:02, -seconds: 14:02:09
   age    21 min                              ago      21 min ago    full  Fri 20 Nov, 14:02
   due    due in 21 min, overdue by 5 min; a parent with data-soon gets data-due="soon", then "late"

   Without JavaScript, the server's text stays. */

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const TICK = 1000;
const MOMENT = 5;
const WEEK = 6 * DAY;

const timeZone = document.documentElement.dataset.timeZone;
const YEAR = 365 * DAY;

/* Tells the server the browser's zone, so that "due today" or "tomorrow morning" mean the same there. */
function tellZone() {
  const cookie = `countersign_time_zone=${new Intl.DateTimeFormat().resolvedOptions().timeZone}`;
  if (document.cookie.split("; ").includes(cookie)) return;
  document.cookie = `${cookie}; path=/; max-age=${YEAR}; samesite=lax`;
}

if (!timeZone) tellZone();

function format(options) {
  return new Intl.DateTimeFormat(document.documentElement.lang, { timeZone, ...options });
}

const clock = format({ hour: "2-digit", minute: "2-digit" });
const seconds = format({ timeStyle: "medium" });
const weekday = format({ weekday: "short" });
const day = format({ day: "numeric", month: "short" });
const year = format({ dateStyle: "medium" });
const yearAlone = format({ year: "numeric" });
const exact = format({ dateStyle: "full", timeStyle: "long" });

function dayOf(at) {
  const now = new Date();
  if (year.format(at) === year.format(now)) return "";
  if (Math.abs(now - at) / 1000 < WEEK) return weekday.format(at);
  return yearAlone.format(at) === yearAlone.format(now) ? day.format(at) : year.format(at);
}

function length(total) {
  if (total < MINUTE) return `${Math.max(Math.floor(total), 0)} s`;
  if (total < HOUR) return `${Math.floor(total / MINUTE)} min`;
  const [big, small, unit, rest] =
    total < DAY ? [HOUR, MINUTE, "h", "min"] : [DAY, HOUR, "d", "h"];
  const left = Math.floor((total % big) / small);
  return `${Math.floor(total / big)} ${unit}${left ? ` ${left} ${rest}` : ""}`;
}

function ago(at) {
  const passed = (Date.now() - at) / 1000;
  if (Math.abs(passed) < MOMENT) return textOf("just-now");
  return textOf(passed < 0 ? "in" : "ago", { length: length(Math.abs(passed)) });
}

/** Return the time left until a deadline, such as "due in 21 min". */
function due(at) {
  const left = (at - Date.now()) / 1000;
  return textOf(left < 0 ? "overdue" : "due", { length: length(Math.abs(left)) });
}

const SHOWS = {
  due,
  clock: (at) => `${dayOf(at)} ${clock.format(at)}`.trim(),
  axis: (at) => clock.format(at),
  "axis-seconds": (at) => seconds.format(at),
  seconds: (at) => `${dayOf(at)} ${seconds.format(at)}`.trim(),
  age: (at) => length(Math.abs(Date.now() - at) / 1000),
  ago,
  full: (at) => `${weekday.format(at)} ${day.format(at)}, ${clock.format(at)}`,
};

const shown = new Set();

class LocalTime extends HTMLElement {
  connectedCallback() {
    this.time = this.querySelector("time");
    if (!this.time) return;
    this.at = new Date(this.time.dateTime);
    this.time.title = exact.format(this.at);
    this.update();
    shown.add(this);
  }

  disconnectedCallback() {
    shown.delete(this);
  }

  update() {
    const text = SHOWS[this.getAttribute("show")](this.at);
    if (this.time.textContent !== text) this.time.textContent = text;
    if (this.parentElement.matches("[data-soon]")) this.mark(this.parentElement);
  }

  /** Mark the parent as due soon or late as time passes, as the server would on a reload. */
  mark(holder) {
    const isSoon = Date.now() >= new Date(holder.dataset.soon);
    const due = Date.now() >= this.at ? "late" : isSoon ? "soon" : "";
    if (holder.dataset.due !== due) holder.dataset.due = due;
  }
}

customElements.define("local-time", LocalTime);
setInterval(() => {
  if (!document.hidden) for (const element of shown) element.update();
}, TICK);
document.addEventListener("visibilitychange", () => {
  for (const element of shown) element.update();
});
