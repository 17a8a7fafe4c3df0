// Draws the picture with its masks on one canvas: overlay, masks only, or cut-out.

/** Draws at the size that the canvas has on screen, so that lines and letters are sharp. */
export function show(canvas, scene) {
  const { width, height } = scene.picture;
  canvas.style.setProperty("--aspect", width / height);
  const density = Math.min(devicePixelRatio || 1, 2);
  const target = Math.max(1, Math.round(canvas.clientWidth * density));
  resize(canvas, target, Math.max(1, Math.round((target * height) / width)));
  draw(canvas, scene, density);
  canvas.setAttribute("aria-label", describe(scene.picture, shownOf(scene), scene.view));
}

/** The same view at the picture's own size, as a PNG blob. */
export function saved(scene) {
  const canvas = new OffscreenCanvas(scene.picture.width, scene.picture.height);
  draw(canvas, { ...scene, emphasis: null }, Math.max(1, canvas.width / 1000));
  return canvas.convertToBlob({ type: "image/png" });
}

const shownOf = (scene) => scene.findings.filter((finding) => finding.visible && finding.layers);

function resize(canvas, width, height) {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
}

/** `scene`: picture, findings in order, view, opacity, boxes, emphasis (one finding or null). `unit`: pixels for one of CSS. */
function draw(canvas, scene, unit) {
  const context = canvas.getContext("2d");
  const shown = shownOf(scene);
  context.imageSmoothingQuality = "high";
  context.globalAlpha = 1;
  context.clearRect(0, 0, canvas.width, canvas.height);
  if (scene.view === "overlay") drawOverlay(context, canvas, scene, shown);
  else if (scene.view === "mask") drawMasks(context, canvas, shown);
  else drawCutout(context, canvas, scene.picture, shown, unit);
  if (scene.boxes && scene.view !== "cutout") drawBoxes(context, canvas, scene.picture, shown, unit);
}

function drawOverlay(context, { width, height }, { picture, opacity, emphasis }, shown) {
  context.drawImage(picture.display, 0, 0, width, height);
  for (const finding of shown) {
    const faded = emphasis && emphasis !== finding && shown.includes(emphasis);
    context.globalAlpha = faded ? opacity * 0.3 : opacity;
    context.drawImage(finding.layers.fill, 0, 0, width, height);
    context.globalAlpha = faded ? 0.4 : 1;
    context.drawImage(finding.layers.edge, 0, 0, width, height);
  }
  context.globalAlpha = 1;
}

function drawMasks(context, { width, height }, shown) {
  context.fillStyle = "#101616";
  context.fillRect(0, 0, width, height);
  for (const finding of shown) context.drawImage(finding.layers.fill, 0, 0, width, height);
}

/** The picture where any shown mask is; a chequered ground elsewhere, as image editors show nothing. */
function drawCutout(context, { width, height }, picture, shown, unit) {
  const piece = new OffscreenCanvas(width, height);
  const pieceContext = piece.getContext("2d");
  for (const finding of shown) pieceContext.drawImage(finding.layers.fill, 0, 0, width, height);
  pieceContext.globalCompositeOperation = "source-in";
  pieceContext.drawImage(picture.display, 0, 0, width, height);

  const side = Math.round(12 * unit);
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, width, height);
  context.fillStyle = "#d9dfde";
  for (let y = 0, row = 0; y < height; y += side, row += 1) {
    for (let x = (row % 2) * side; x < width; x += side * 2) context.fillRect(x, y, side, side);
  }
  context.drawImage(piece, 0, 0);
}

function drawBoxes(context, canvas, picture, shown, unit) {
  const scale = canvas.width / picture.width;
  const labels = []; // rectangles taken: labels should not cover one another
  context.font = `600 ${13 * unit}px system-ui, sans-serif`;
  context.textBaseline = "middle";
  for (const finding of shown) {
    finding.masks.forEach((mask, part) => {
      if (!Array.isArray(mask.bbox) || !mask.area) return;
      const box = mask.bbox.map((value) => value * scale);
      context.lineWidth = 2 * unit;
      context.strokeStyle = finding.color.hex;
      context.strokeRect(...box);
      // One phrase is written once, its further parts have the number only.
      const text = part === 0 ? `${finding.number}  ${finding.expression}  ${percent(mask.score)}` : String(finding.number);
      drawLabel(context, canvas, text, finding.color.hex, box, labels, unit);
    });
  }
}

function drawLabel(context, canvas, text, hex, [x, y, , boxHeight], labels, unit) {
  const label = fitted(context, text, Math.min(canvas.width - 12 * unit, 280 * unit));
  const width = context.measureText(label).width + 12 * unit;
  const height = 22 * unit;
  const left = Math.max(0, Math.min(x - unit, canvas.width - width));
  // Above the box, else inside at its top, below it, inside at its bottom: the first place that is free.
  const places = [y - height, y, y + boxHeight, y + boxHeight - height]
    .filter((top) => top >= 0 && top + height <= canvas.height)
    .map((top) => ({ left, top, right: left + width, bottom: top + height }));
  const place = places.find((one) => !labels.some((other) => overlap(one, other))) ?? places[0];
  if (!place) return;
  labels.push(place);
  context.fillStyle = hex;
  context.fillRect(left, place.top, width, height);
  context.fillStyle = "#101616";
  context.fillText(label, left + 6 * unit, place.top + height / 2);
}

const overlap = (one, other) =>
  one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom;

function fitted(context, text, room) {
  if (context.measureText(text).width <= room) return text;
  let end = text.length;
  while (end > 1 && context.measureText(text.slice(0, end) + "…").width > room) end -= 1;
  return text.slice(0, end) + "…";
}

function describe(picture, shown, view) {
  const what = shown.length
    ? shown.map((finding) => `${finding.number}, ${finding.expression} (${finding.color.name})`).join("; ")
    : "nothing yet";
  const kind = { overlay: "Picture", mask: "Masks of", cutout: "Cut-out of" }[view];
  return `${kind} ${picture.name}, ${picture.width} by ${picture.height} pixels. Marked: ${what}.`;
}

export const percent = (score) => (Number.isFinite(score) ? `${Math.round(score * 100)}%` : "");
