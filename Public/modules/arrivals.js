// Pictures that are dropped on the window or pasted into the page.

/** `onPicture(file)`; `onOther(sentence)` where something else was dropped. */
export function listenForPictures({ onPicture, onOther }) {
  let depth = 0; // dragenter and dragleave come for every element on the way
  const mark = (on) => document.body.classList.toggle("dragging", on);
  addEventListener("dragenter", (event) => {
    event.preventDefault();
    depth += 1;
    mark(true);
  });
  addEventListener("dragleave", () => {
    depth = Math.max(0, depth - 1);
    if (depth === 0) mark(false);
  });
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    depth = 0;
    mark(false);
    const file = event.dataTransfer?.files[0];
    if (file) onPicture(file);
    else onOther("Only picture files can be dropped here, not links. Save the picture first, then drop the file.");
  });
  addEventListener("paste", (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find((item) => item.type.startsWith("image/"));
    if (!file) return; // text goes where the cursor is
    event.preventDefault();
    onPicture(file);
  });
}
