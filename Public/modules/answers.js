// The list of answers: one entry a phrase, with its colour, verdict, numbers and what can be done with it.

import { byId, copyText, download, element, announce } from "./dom.js";
import { pngBlob } from "./masks.js";
import { percent } from "./viewer.js";

/** `actions`: `toggle(finding)`, `remove(finding)`, `emphasize(finding or null)`, `cutout(finding)`. */
export function showAnswers(session, actions) {
  byId("answers").hidden = session.findings.length === 0;
  byId("always-marks").hidden = session.last?.reply.can_reject !== false;
  byId("answer-list").replaceChildren(...session.findings.map((finding) => entry(session, finding, actions)));
}

function entry(session, finding, actions) {
  const badge = element("span", { className: "badge", textContent: String(finding.number) });
  const isMarked = marks(finding);
  if (isMarked) badge.style.setProperty("--badge", finding.color.hex);
  const item = element("li", { className: !isMarked ? "unmarked" : finding.visible ? "" : "off" },
    element("div", { className: "answer-head" },
      badge,
      element("div", {},
        element("p", { className: "answer-phrase", textContent: finding.expression }),
        element("p", { className: "verdict", textContent: verdict(finding) }),
        ...measures(session, finding)),
      removal(finding, actions)),
    isMarked ? buttons(session, finding, actions) : null);
  item.addEventListener("mouseenter", () => actions.emphasize(finding));
  item.addEventListener("mouseleave", () => actions.emphasize(null));
  item.addEventListener("focusin", () => actions.emphasize(finding));
  item.addEventListener("focusout", () => actions.emphasize(null));
  return item;
}

/** Whether there is anything to see of it. */
const marks = (finding) => !finding.rejected && finding.masks.some((mask) => mask.area > 0);

/** The answer in words, also read aloud. */
export function verdict(finding) {
  if (finding.rejected) {
    const sure = percent(finding.rejectScore);
    return `Not in this picture${sure ? ` (${sure} sure)` : ""}`;
  }
  if (!marks(finding)) return "Nothing marked: no pixel is sure enough";
  const parts = finding.masks.length > 1 ? `Found, ${finding.masks.length} parts` : "Found";
  const score = percent(finding.score);
  return score ? `${parts}, score ${score}` : parts;
}

function measures(session, finding) {
  const pixels = session.picture.width * session.picture.height;
  return finding.masks.map((mask) => {
    const [x, y, width, height] = mask.bbox ?? [];
    const share = (100 * mask.area) / pixels;
    const amount = share > 0 && share < 0.1 ? "under 0.1" : share.toFixed(1);
    return element("p", {
      className: "measure",
      textContent: mask.area
        ? `Box x ${x}, y ${y}, ${width}\u00d7${height} px; ${amount}% of the picture`
        : `The mask threshold was ${finding.threshold}; a lower one under Options takes in more`,
    });
  });
}

/** Each name begins with the words on the button, which people who speak to their browser say. */
function buttons(session, finding, actions) {
  const about = finding.expression;
  const show = small(finding.visible ? "Hide" : "Show", `${finding.visible ? "Hide" : "Show"} ${about}`, () => actions.toggle(finding));
  show.dataset.action = "toggle";
  return element("div", { className: "answer-actions" }, show,
    small("Mask PNG", `Mask PNG: download the mask of ${about}`, () => saveMasks(session, finding)),
    small("Cut-out PNG", `Cut-out PNG: download ${about} cut out`, () => actions.cutout(finding)),
    small("COCO RLE", `COCO RLE: download the run lengths of ${about}`, () => saveRuns(session, finding)),
    small("Copy RLE", `Copy RLE: copy the run lengths of ${about}`, (button) => copyRuns(finding, button)));
}

function removal(finding, actions) {
  const label = `Remove ${finding.expression} from the list`;
  const button = small("\u00d7", label, () => actions.remove(finding));
  button.classList.add("remove");
  button.title = "Remove";
  return button;
}

function small(text, label, action) {
  const button = element("button", { type: "button", className: "small", textContent: text, "aria-label": label });
  button.addEventListener("click", () => action(button));
  return button;
}

function saveMasks(session, finding) {
  finding.masks.forEach((mask, index) => {
    const part = finding.masks.length > 1 ? `-${index + 1}` : "";
    download(pngBlob(mask.png), `${fileStem(session, finding)}${part}-mask.png`);
  });
}

/** Run lengths as pycocotools reads them: one object, or a list where the phrase has several parts. */
function runsOf(finding) {
  const runs = finding.masks.map((mask) => mask.coco_rle);
  return JSON.stringify(runs.length === 1 ? runs[0] : runs);
}

function saveRuns(session, finding) {
  download(new Blob([runsOf(finding)], { type: "application/json" }), `${fileStem(session, finding)}-coco.json`);
}

async function copyRuns(finding, button) {
  const copied = await copyText(runsOf(finding));
  flash(button, copied ? "Copied" : "Not allowed");
  announce(copied ? "COCO run lengths copied" : "The browser does not allow copying");
}

/** Shows `text` on a button for a moment. */
export function flash(button, text) {
  const before = button.dataset.text ?? button.textContent;
  button.dataset.text = before;
  button.textContent = text;
  setTimeout(() => { button.textContent = before; }, 1600);
}

export function fileStem(session, finding) {
  const clean = (text) => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "").slice(0, 40);
  return [clean(session.picture.name.replace(/\.[^.]*$/, "")) || "picture", clean(finding.expression)].filter(Boolean).join("-");
}
