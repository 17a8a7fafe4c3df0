// The table of stage times and the sentence above it.

import { byId, element } from "./dom.js";

const STAGES = [
  ["queue", "Waiting in line"],
  ["decode", "Opening the picture"],
  ["resize", "Resizing it"],
  ["vision", "Looking at it"],
  ["language", "Reading the phrase"],
  ["mask", "Drawing the mask"],
  ["encode", "Writing the answer"],
];

/** `first` is the session's first reply, `last` the newest: `{ reply, milliseconds, sent, asked }`. */
export function showTimes(first, last) {
  const timings = last.reply.timings_ms ?? {};
  const known = new Set(STAGES.map(([key]) => key));
  const rows = [
    ...STAGES.filter(([key]) => Number.isFinite(timings[key])),
    ...Object.keys(timings).filter((key) => !known.has(key) && Number.isFinite(timings[key]) && key !== "total").map((key) => [key, key]),
  ];
  const largest = Math.max(1, ...rows.map(([key]) => timings[key]));
  const body = byId("times-body");
  body.replaceChildren(...rows.map(([key, label]) => row(label, timings[key], timings[key] / largest)));
  body.append(totalRow(last.milliseconds));
  byId("times-story").textContent = story(first, last);
  byId("times").hidden = rows.length === 0;
}

function row(label, value, share) {
  const bar = element("span", { className: "bar" });
  bar.style.setProperty("--share", Math.max(0.5, share * 100));
  return element("tr", {},
    element("th", { scope: "row", textContent: label }),
    element("td", { className: "track", "aria-hidden": "true" }, bar),
    element("td", { className: "value", textContent: milliseconds(value) }));
}

function totalRow(total) {
  return element("tr", { className: "total" },
    element("th", { scope: "row", textContent: "Whole request, seen from here", colSpan: 2 }),
    element("td", { className: "value", textContent: milliseconds(total) }));
}

export function milliseconds(value) {
  if (value >= 10_000) return `${(value / 1000).toFixed(1)} s`;
  return value >= 10 ? `${Math.round(value)} ms` : `${value.toFixed(1)} ms`;
}

function story(first, last) {
  const what = last.asked.length === 1 ? `\u201c${last.asked[0]}\u201d` : `${last.asked.length} phrases`;
  if (last.reply.cache?.image !== "hit") {
    return `${what} took ${milliseconds(last.milliseconds)}. The server now knows this picture: the next phrase will be faster.`;
  }
  const looking = first?.reply.timings_ms?.vision;
  const saved = first !== last && looking > (last.reply.timings_ms?.vision ?? 0)
    ? ` Looking at it took ${milliseconds(looking)} the first time.` : "";
  const upload = last.sent === 0 ? "and nothing was uploaded" : "and it did not look again";
  const were = last.asked.length === 1 ? "was" : "were";
  return `${what} ${were} fast (${milliseconds(last.milliseconds)}): the server knew the picture already, ${upload}.${saved}`;
}
