// Masks from the reply, made ready for drawing: one filled layer and one outline for each phrase.

import { rgbOf } from "./palette.js";

/** Bytes of a base64 string. */
export function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

export const pngBlob = (base64) => new Blob([bytesOf(base64)], { type: "image/png" });

/** One byte a pixel, 1 inside, for all `masks` of a phrase together, at `width` x `height`. */
export async function unionOf(masks, width, height) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.globalCompositeOperation = "lighten"; // union of white shapes on black
  for (const mask of masks) {
    if (!mask.png) continue;
    const bitmap = await createImageBitmap(pngBlob(mask.png));
    context.drawImage(bitmap, 0, 0, width, height);
    bitmap.close();
  }
  const { data } = context.getImageData(0, 0, width, height);
  const inside = new Uint8Array(width * height);
  for (let index = 0; index < inside.length; index += 1) inside[index] = data[index * 4] > 127 ? 1 : 0;
  return inside;
}

/** Canvases `{ fill, edge }` of `width` x `height` in the phrase's colour, transparent outside. */
export function layersOf(inside, width, height, hex) {
  const radius = Math.max(1, Math.round(Math.max(width, height) / 500));
  return {
    fill: painted(inside, width, height, hex),
    edge: painted(edgeOf(inside, width, height, radius), width, height, hex),
  };
}

function painted(inside, width, height, hex) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  const [red, green, blue] = rgbOf(hex);
  const color = (255 << 24) | (blue << 16) | (green << 8) | red; // RGBA as a little-endian word
  const words = new Uint32Array(image.data.buffer);
  for (let index = 0; index < inside.length; index += 1) if (inside[index]) words[index] = color;
  context.putImageData(image, 0, 0);
  return canvas;
}

/** The pixels of `inside` within `radius` of its border; the picture's own border does not count. */
function edgeOf(inside, width, height, radius) {
  let core = inside;
  for (let round = 0; round < radius; round += 1) {
    const next = new Uint8Array(core.length);
    for (let y = 0, index = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1, index += 1) {
        next[index] = core[index]
          && (x === 0 || core[index - 1]) && (x === width - 1 || core[index + 1])
          && (y === 0 || core[index - width]) && (y === height - 1 || core[index + width]) ? 1 : 0;
      }
    }
    core = next;
  }
  return inside.map((value, index) => (value && !core[index] ? 1 : 0));
}
