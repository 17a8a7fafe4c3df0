// Sample pictures, named by samples/samples.json: { "samples": [{ "file", "title", "phrases": [], "credit" }] }.
// The section stays hidden while that list is empty or absent.

import { byId, element } from "./dom.js";

export async function showSamples(onChoose) {
  let samples = [];
  try {
    const answer = await fetch(new URL("samples/samples.json", document.baseURI));
    if (answer.ok) samples = (await answer.json()).samples ?? [];
  } catch {
    return; // no samples is no problem
  }
  if (!samples.length) return;
  byId("sample-list").replaceChildren(...samples.map((sample) => {
    const source = new URL(`samples/${sample.file}`, document.baseURI).href;
    const button = element("button", { type: "button" },
      element("img", { src: source, alt: "", loading: "lazy" }),
      element("span", { className: "caption", textContent: sample.title },
        ...(sample.credit ? [element("small", { textContent: sample.credit })] : [])));
    button.addEventListener("click", () => onChoose({ ...sample, source }));
    return element("li", {}, button);
  }));
  byId("samples").hidden = false;
}
