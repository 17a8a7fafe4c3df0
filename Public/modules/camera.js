// Taking a picture. A phone's own camera application does it better, so a touch device gets that; a
// desktop browser gets a small dialog with the live picture.

import { byId } from "./dom.js";
import { RequestFailure } from "./client.js";

/** Resolves with a File, or null when the user changes their mind. Throws RequestFailure("camera"). */
export async function takePicture() {
  const touch = matchMedia("(pointer: coarse)").matches;
  if (touch || !navigator.mediaDevices?.getUserMedia) {
    byId("capture").click();
    return null; // the file arrives through the input's own change event
  }
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1920 } } });
  } catch {
    throw new RequestFailure("camera");
  }
  try {
    return await shoot(stream);
  } finally {
    for (const track of stream.getTracks()) track.stop();
  }
}

async function shoot(stream) {
  const dialog = byId("camera");
  const video = byId("camera-video");
  video.srcObject = stream;
  await video.play();
  dialog.showModal();
  const taken = await new Promise((resolve) => {
    byId("camera-shoot").onclick = () => resolve(true);
    byId("camera-close").onclick = () => resolve(false);
    dialog.onclose = () => resolve(false); // Escape
  });
  let file = null;
  if (taken) {
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width: video.videoWidth, height: video.videoHeight });
    canvas.getContext("2d").drawImage(video, 0, 0);
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.92));
    file = new File([blob], "camera.jpg", { type: "image/jpeg" });
  }
  video.srcObject = null;
  dialog.onclose = null;
  dialog.close();
  return file;
}
