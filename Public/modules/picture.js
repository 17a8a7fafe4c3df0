// Takes a picture file as the user gave it and makes it ready: shown upright (EXIF), sent unchanged
// wherever the server can read it, and made smaller or converted only where it cannot.

import { RequestFailure } from "./client.js";

/** What the server takes unless its /health says otherwise. */
const DEFAULT_LIMITS = { bytes: 30 * 1024 * 1024, pixels: 40_000_000, side: 16_384 };
/** Room for the form's other fields in a body. */
const FORM_BYTES = 32 * 1024;
/** The longest side drawn on the page: more is not visible and costs memory for each mask. */
const DISPLAY_SIDE = 1280;

export function limitsFrom(facts) {
  const bytes = facts?.body_bytes;
  return {
    bytes: bytes ? Math.max(1, bytes - FORM_BYTES) : DEFAULT_LIMITS.bytes,
    pixels: facts?.pixels ?? DEFAULT_LIMITS.pixels,
    side: facts?.side_pixels ?? DEFAULT_LIMITS.side,
  };
}

/** Answers `{ name, blob, width, height, display, notice }`; `display` is a canvas, `notice` a sentence or null. */
export async function loadPicture(file, limits) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    throw new RequestFailure("picture", { problem: {} });
  }
  const name = file.name || `picture.${extensionOf(file.type)}`;
  const tooLarge = file.size > limits.bytes || bitmap.width * bitmap.height > limits.pixels
    || Math.max(bitmap.width, bitmap.height) > limits.side;
  if (tooLarge) return shrink(bitmap, name, limits);
  if (!(await isReadable(file))) {
    const blob = await encode(drawn(bitmap, bitmap.width, bitmap.height), "image/png");
    const kind = file.type.replace("image/", "").toUpperCase() || "this kind";
    return ready(bitmap, withExtension(name, "png"), blob,
      `The server reads JPEG, PNG and WebP, not ${kind}: the picture was converted to PNG here.`);
  }
  return ready(bitmap, name, file, null);
}

/** The same picture with half as many pixels, for a server that refused it as too large. */
export async function smaller(picture) {
  const bitmap = await createImageBitmap(picture.blob, { imageOrientation: "from-image" });
  const limits = { bytes: picture.blob.size, pixels: bitmap.width * bitmap.height * 0.5, side: DEFAULT_LIMITS.side };
  return shrink(bitmap, picture.name, limits);
}

async function shrink(bitmap, name, limits) {
  const before = `${bitmap.width}\u00d7${bitmap.height}`;
  let scale = Math.min(1, Math.sqrt(limits.pixels / (bitmap.width * bitmap.height)),
    limits.side / Math.max(bitmap.width, bitmap.height));
  // JPEG at 0.9 is rarely above the byte limit at first; each round takes a fifth off the sides.
  for (let round = 0; ; round += 1) {
    const width = Math.max(1, Math.floor(bitmap.width * scale));
    const height = Math.max(1, Math.floor(bitmap.height * scale));
    const canvas = drawn(bitmap, width, height);
    const blob = await encode(canvas, "image/jpeg");
    if (blob.size <= limits.bytes || round === 12) {
      return ready(await createImageBitmap(canvas), withExtension(name, "jpg"), blob,
        `The picture is larger than this server takes, so it was made smaller here: ${before} became ${width}\u00d7${height}. Masks have the smaller size.`);
    }
    scale *= 0.8;
  }
}

/** Whether the server can read it, from the first bytes: a file's name and stated type may be wrong. */
async function isReadable(file) {
  const bytes = new Uint8Array(await file.slice(0, 12).arrayBuffer());
  const text = String.fromCharCode(...bytes);
  return text.startsWith("\u00ff\u00d8\u00ff") || text.startsWith("\u0089PNG")
    || (text.startsWith("RIFF") && text.endsWith("WEBP"));
}

function ready(bitmap, name, blob, notice) {
  const scale = Math.min(1, DISPLAY_SIDE / Math.max(bitmap.width, bitmap.height));
  const display = drawn(bitmap, Math.max(1, Math.round(bitmap.width * scale)), Math.max(1, Math.round(bitmap.height * scale)));
  const picture = { name, blob, width: bitmap.width, height: bitmap.height, display, notice };
  bitmap.close();
  return picture;
}

function drawn(source, width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(source, 0, 0, width, height);
  return canvas;
}

const encode = (canvas, type) => new Promise((resolve) => canvas.toBlob(resolve, type, 0.9));
const extensionOf = (type) => ({ "image/jpeg": "jpg", "image/webp": "webp" })[type] ?? "png";
const withExtension = (name, extension) => name.replace(/\.[^.]*$/, "") + "." + extension;
