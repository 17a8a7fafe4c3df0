// The line at the top that says how the server is.

import { serverState } from "./client.js";
import { byId } from "./dom.js";

/** Time between two looks at a server that is not ready, in milliseconds. */
const INTERVAL = 4000;

let next = null;

/** `state`: "ready", "busy" or "gone". */
export function showServer(state, model) {
  const words = {
    ready: model ? `Ready: ${model}` : "Ready",
    busy: "The server is starting…",
    gone: "The server can't be reached",
  };
  byId("server").dataset.state = state;
  const line = byId("server-text");
  // Unchanged text is not written again, or screen readers would repeat it.
  if (line.textContent !== words[state]) line.textContent = words[state];
}

/** Shows the server's state until it is ready; `onLimits` gets the limits that /health names, or null. */
export async function untilReady(onLimits) {
  clearTimeout(next);
  const { state, model, limits } = await serverState();
  onLimits(limits);
  showServer(state, model);
  if (state !== "ready") next = setTimeout(() => untilReady(onLimits), INTERVAL);
}
