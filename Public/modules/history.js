// Pictures of this visit, newest first, each with its phrases. Nothing is stored beyond the page's life.

import { byId, element } from "./dom.js";

const THUMBNAIL_WIDTH = 320;

export function showHistory(sessions, current, onChoose) {
  byId("history").hidden = sessions.length === 0;
  byId("history-list").replaceChildren(...sessions.map((session) => {
    const phrases = session.findings.map((finding) => finding.expression).join(", ");
    if (session === current || !session.thumbnail) session.thumbnail = thumbnail(session);
    const button = element("button", { type: "button" },
      session.thumbnail,
      element("span", { className: "caption", textContent: session.picture.name },
        element("small", { textContent: phrases || "no phrase yet" })));
    if (session === current) button.setAttribute("aria-current", "true");
    button.addEventListener("click", () => onChoose(session));
    return element("li", {}, button);
  }));
}

function thumbnail(session) {
  const { display } = session.picture;
  const canvas = element("canvas", { "aria-hidden": "true" });
  canvas.width = Math.min(THUMBNAIL_WIDTH, display.width);
  canvas.height = Math.max(1, Math.round((canvas.width * display.height) / display.width));
  const context = canvas.getContext("2d");
  context.drawImage(display, 0, 0, canvas.width, canvas.height);
  context.globalAlpha = 0.55;
  for (const finding of session.findings) {
    if (finding.visible && finding.layers) context.drawImage(finding.layers.fill, 0, 0, canvas.width, canvas.height);
  }
  return canvas;
}
