// Sends what the reference shows to this server and shows what comes back. The API key stays in this page.

import { announce, byId, element } from "../modules/dom.js";

/** Characters of an answer that are shown: masks in base64 are long. */
const SHOWN = 4000;

const key = () => byId("key").value.trim();

/** A shell sample as someone with this page's key has to send it; the key itself is never written out. */
export function withKey(sample) {
  return key() ? sample.replace("curl ", 'curl -H "Authorization: Bearer $API_KEY" ') : sample;
}

/** A button that sends one request, and the answer below it. `body`: sent as JSON where there is one. */
export function sender(label, method, url, body) {
  const button = element("button", { type: "button", className: "small", "aria-label": `Send: ${label}` }, "Send");
  const answer = element("div", { className: "answer", role: "status" });
  button.addEventListener("click", async () => {
    button.setAttribute("aria-disabled", "true");
    answer.replaceChildren(element("p", { className: "hint" }, "Waiting for the answer…"));
    answer.replaceChildren(...await ask(label, method, url, body));
    button.removeAttribute("aria-disabled");
  });
  return [button, answer];
}

async function ask(label, method, url, body) {
  const start = performance.now();
  const headers = { ...(key() ? { Authorization: `Bearer ${key()}` } : {}), ...(body === undefined ? {} : { "Content-Type": "application/json" }) };
  let reply;
  let text;
  try {
    reply = await fetch(url, { method, headers, cache: "no-store", body: body === undefined ? undefined : JSON.stringify(body) });
    text = await reply.text();
  } catch {
    return [element("p", { className: "problem" }, "The server can't be reached. Start it again (deploy/serve), then send again.")];
  }
  const facts = `${reply.status} ${reply.statusText}, ${reply.headers.get("Content-Type") ?? "no content"}, ${Math.round(performance.now() - start)} ms`;
  announce(`Answer: ${reply.status}`);
  const parts = [element("p", { className: reply.ok ? "good" : "problem" }, facts)];
  if (reply.status === 401) parts.push(element("p", {}, "This server asks for an API key: enter it at the top of this page."));
  if (text) parts.push(element("pre", { tabIndex: 0, "aria-label": `Answer of ${label}` }, element("code", {}, shown(text))));
  return parts;
}

function shown(text) {
  let whole = text;
  try {
    whole = JSON.stringify(JSON.parse(text), null, 1);
  } catch {
    // Not JSON: as it came.
  }
  return whole.length > SHOWN ? `${whole.slice(0, SHOWN)}\n… ${whole.length - SHOWN} more characters` : whole;
}
