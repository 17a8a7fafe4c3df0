// The progress bar under the form: how much is sent, then how long the answer has been awaited.

import { byId } from "./dom.js";

/** Seconds of waiting after which the page says that the server is still at work. */
const LONG_WAIT = 5;

let ticking = null;

export function showProgress({ phase, fraction, seconds }) {
  clearInterval(ticking);
  byId("progress").hidden = false;
  const bar = byId("progress-bar");
  if (phase === "sending") {
    bar.value = Math.round(fraction * 100);
    say(`Sending the picture: ${bar.value}%`);
  } else if (phase === "retrying") {
    bar.removeAttribute("value");
    say(`The server is busy; asking again in ${seconds} s`);
  } else {
    bar.removeAttribute("value");
    const start = performance.now();
    const tell = () => {
      const waited = (performance.now() - start) / 1000;
      const more = waited > LONG_WAIT ? " The server is still at work; it may be busy." : "";
      say(`Waiting for the answer: ${waited.toFixed(1)} s.${more}`);
    };
    tell();
    ticking = setInterval(tell, 200);
  }
}

export function hideProgress() {
  clearInterval(ticking);
  byId("progress").hidden = true;
}

const say = (text) => { byId("progress-text").textContent = text; };
