// One phrase cut out of the picture at its full size, for download: transparent outside the mask.

import { unionOf } from "./masks.js";

export async function cutOut(picture, finding) {
  const { width, height } = picture;
  const inside = await unionOf(finding.masks, width, height);
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  const bitmap = await createImageBitmap(picture.blob, { imageOrientation: "from-image" });
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  const image = context.getImageData(0, 0, width, height);
  for (let index = 0; index < inside.length; index += 1) if (!inside[index]) image.data[index * 4 + 3] = 0;
  context.putImageData(image, 0, 0);
  return canvas.convertToBlob({ type: "image/png" });
}
