/* Runs before a page is drawn: its sentences, the reader's own times, and what takes up room. */
import "./texts.js";
import "./local-time.js";
import "./copy-text.js";
