// Every failure in plain words: what happened, what to do, and whether trying again makes sense.

/** Answers `{ title, advice, detail, canRetry }`. */
export function explain(failure) {
  const words = byType[failure.type] ?? byKind[failure.kind] ?? byStatus[failure.status] ?? unknown(failure);
  const { detail, instance } = failure.problem ?? {};
  const facts = [];
  if (failure.status) facts.push(`The server said ${failure.status}${detail ? `: ${detail}` : ""}.`);
  if (instance) facts.push(`Request ${String(instance).replace("urn:request:", "")}.`);
  return { canRetry: true, ...words, detail: facts.join(" ") };
}

const byKind = {
  network: {
    title: "The server can't be reached",
    advice: "It may have stopped, or the connection broke. Start it again (deploy/serve), then try again. Your picture and phrases are still here.",
  },
  timeout: {
    title: "No answer for two minutes",
    advice: "The server may be overloaded. Wait a little, then try again.",
  },
  form: {
    title: "The answer was not understood",
    advice: "Something other than this server seems to answer at this address. Check the address of this page.",
  },
  picture: {
    title: "This file can't be shown as a picture",
    advice: "Choose a JPEG, PNG or WebP file. If it should be one, it may be damaged: open it elsewhere and save it anew.",
    canRetry: false,
  },
  camera: {
    title: "The camera can't be used",
    advice: "Allow this page to use the camera in the browser's settings, or choose a picture file.",
    canRetry: false,
  },
};

const busy = {
  title: "The server is busy",
  advice: "More is waiting than it takes at once. Wait a moment, then try again.",
};

const byType = {
  "queue-full": busy,
  "picture-memory-full": busy,
  "broken-image": {
    title: "The server could not open the picture",
    advice: "The file seems damaged or cut short. Open it elsewhere, save it anew, and try that one.",
  },
  "model-failed": {
    title: "The server has no model",
    advice: "It could not load its model when it started. Its log says why; the operator can help.",
  },
  "rate-limited": { title: "Too many requests with this key", advice: "Wait a moment, then try again." },
};

const byStatus = {
  400: {
    title: "The server could not read the request",
    advice: "Try the picture again; if it stays so, save it anew as JPEG or PNG.",
  },
  401: { title: "This server asks for an API key", advice: "Enter the key under Options, then try again." },
  403: { title: "The server refused", advice: "The API key does not allow this. Check it under Options." },
  404: {
    title: "There is no segmentation at this address",
    advice: "The page was found but the server behind it was not. Check the address or the proxy in front of it.",
  },
  408: { title: "Sending took too long", advice: "The connection is slow. Try again, or use a smaller picture." },
  413: {
    title: "The picture is too large for this server",
    advice: "Use a smaller picture, or ask the operator to raise the limit.",
    canRetry: false,
  },
  415: {
    title: "The server can't read this kind of picture",
    advice: "Use a JPEG, PNG or WebP file.",
    canRetry: false,
  },
  422: { title: "The server can't work with this", advice: "Change the phrase or the picture as the line below says." },
  429: busy,
  500: { title: "The server had a problem of its own", advice: "Try again. If it stays so, tell the operator the request's number." },
  502: { title: "The server behind the proxy is gone", advice: "Wait a moment, then try again." },
  503: { title: "The server is not ready yet", advice: "It is starting or stopping. Wait a few seconds, then try again." },
  504: { title: "It took too long", advice: "The request's time ran out. Try again, or ask fewer phrases at once." },
};

function unknown(failure) {
  return failure.status >= 500
    ? byStatus[500]
    : { title: "That did not work", advice: "Try again, or use another picture." };
}
