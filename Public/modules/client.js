// Talks to the server: POST segment, GET readyz and health. Addresses are relative to the page, so that
// the page works under any path. XMLHttpRequest and not fetch: only it reports how much has been sent.

export const endpoint = (name) => new URL(name, document.baseURI).href;

/** Why a request brought no answer. `kind`: "http", "network", "timeout", "cancelled" or "form". */
export class RequestFailure extends Error {
  constructor(kind, { status = 0, problem = {}, retryAfter = null } = {}) {
    super(kind);
    this.kind = kind;
    this.status = status;
    /** RFC 9457 members; empty where the answer was none. */
    this.problem = problem;
    /** Seconds, or null. */
    this.retryAfter = retryAfter;
  }

  /** The last part of the problem's type: "queue-full". */
  get type() { return String(this.problem.type ?? "").split(":").pop(); }
}

/**
 * Asks for the masks of `expressions`. `picture` is `{ blob, name }` to upload, or null to refer to `imageID`.
 * `onProgress({ phase: "sending" | "waiting", fraction })`; `signal` cancels.
 * Answers `{ reply, sent, milliseconds }`, `sent` being the bytes uploaded for a picture.
 */
export function requestMasks({ picture, imageID, expressions, threshold, key, onProgress, signal, timeout = 120_000 }) {
  const body = picture
    ? multipartBody(picture, expressions, threshold)
    : JSON.stringify({ image_id: imageID, expressions, format: "png,coco_rle", threshold });

  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const start = performance.now();
    let sent = 0;
    request.open("POST", endpoint("segment"));
    request.timeout = timeout;
    request.setRequestHeader("Accept", "application/json");
    if (!picture) request.setRequestHeader("Content-Type", "application/json");
    if (imageID) request.setRequestHeader("X-Image-Digest", `sha256:${imageID}`);
    if (key) request.setRequestHeader("Authorization", `Bearer ${key}`);

    request.upload.onprogress = (event) => {
      if (picture) sent = event.loaded;
      if (event.lengthComputable) onProgress({ phase: "sending", fraction: event.loaded / event.total });
    };
    request.upload.onload = () => onProgress({ phase: "waiting", fraction: null });
    request.onerror = () => reject(new RequestFailure("network"));
    request.ontimeout = () => reject(new RequestFailure("timeout"));
    request.onabort = () => reject(new RequestFailure("cancelled"));
    request.onload = () => {
      const answer = parse(request.responseText);
      if (request.status !== 200) {
        reject(new RequestFailure("http", {
          status: request.status, problem: answer ?? {}, retryAfter: seconds(request.getResponseHeader("Retry-After")),
        }));
      } else if (!Array.isArray(answer?.results) || !answer.image) {
        reject(new RequestFailure("form"));
      } else {
        resolve({ reply: answer, sent, milliseconds: performance.now() - start });
      }
    };
    if (signal) {
      if (signal.aborted) return reject(new RequestFailure("cancelled"));
      signal.addEventListener("abort", () => request.abort(), { once: true });
    }
    onProgress(picture ? { phase: "sending", fraction: 0 } : { phase: "waiting", fraction: null });
    request.send(body);
  });
}

function multipartBody(picture, expressions, threshold) {
  const form = new FormData();
  form.append("image", picture.blob, picture.name);
  for (const expression of expressions) form.append("expression", expression);
  form.append("format", "png,coco_rle");
  form.append("threshold", String(threshold));
  return form;
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function seconds(value) {
  const number = Number(value);
  return value !== null && Number.isFinite(number) && number >= 0 ? number : null;
}

/** `{ state: "ready" | "busy" | "gone", model, limits }`; never throws. */
export async function serverState() {
  try {
    const ready = await fetch(endpoint("readyz"), { cache: "no-store" });
    if (!ready.ok) return { state: "busy", model: null, limits: null };
    const health = await fetch(endpoint("health"), { cache: "no-store" }).catch(() => null);
    const facts = health?.ok ? parse(await health.text()) : null;
    const model = typeof facts?.model === "string" ? facts.model : facts?.model?.name ?? null;
    return { state: "ready", model, limits: facts?.limits ?? null };
  } catch {
    return { state: "gone", model: null, limits: null };
  }
}
