// Small helpers for building elements. Text always goes through textContent: nothing that a server or a
// user wrote is ever parsed as HTML.

export const byId = (id) => document.getElementById(id);

/** Creates an element; `properties` are set as properties, or as attributes where the name has a dash. */
export function element(name, properties = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.includes("-")) node.setAttribute(key, value);
    else node[key] = value;
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

/** Says something to screen readers without moving the focus. */
export function announce(text) {
  const announcer = byId("announcer");
  announcer.textContent = "";
  // A new task, so that the same sentence twice is read twice.
  setTimeout(() => { announcer.textContent = text; }, 30);
}

/** Lets the browser save `blob` under `name`. */
export function download(blob, name) {
  const link = element("a", { href: URL.createObjectURL(blob), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Copies text; false where the browser does not allow it. */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Plain http on another host has no clipboard interface: the old way still works there.
    const area = element("textarea", { value: text, className: "visually-hidden" });
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    return copied;
  }
}
