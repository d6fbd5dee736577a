/* Scripts that run before a page is drawn: sentences, local times, and elements that change the layout. */
import "./texts.js";
import "./local-time.js";
import "./copy-text.js";
