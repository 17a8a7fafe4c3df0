// Joins the parts of the page: the current session, what the user does, and what is shown.

import { fileStem, flash, showAnswers, verdict } from "./modules/answers.js";
import { listenForPictures } from "./modules/arrivals.js";
import { takePicture } from "./modules/camera.js";
import { RequestFailure, endpoint } from "./modules/client.js";
import { curlCommand } from "./modules/curl.js";
import { cutOut } from "./modules/cutout.js";
import { announce, byId, copyText, download, element } from "./modules/dom.js";
import { showHistory } from "./modules/history.js";
import { limitsFrom, loadPicture } from "./modules/picture.js";
import { explain } from "./modules/problems.js";
import { hideProgress, showProgress } from "./modules/progress.js";
import { showSamples } from "./modules/samples.js";
import { showServer, untilReady } from "./modules/server.js";
import { Session } from "./modules/session.js";
import { showTimes } from "./modules/times.js";
import { saved, show } from "./modules/viewer.js";

/** Pictures of this visit that are kept: each holds some megabytes. */
const HISTORY_LENGTH = 20;

const page = {
  sessions: [],
  /** The session shown; null before the first picture. */
  session: null,
  /** The AbortController of the request under way, or null. */
  running: null,
  view: "overlay",
  opacity: 0.5,
  boxes: true,
  emphasis: null,
  limits: limitsFrom(null),
  /** What "Try again" does. */
  retry: null,
};

// Showing

const scene = () => ({ ...page, picture: page.session.picture, findings: page.session.findings });

function redraw() {
  if (page.session) show(byId("canvas"), scene());
}

function showSession() {
  const { session } = page;
  byId("drop").hidden = session !== null;
  byId("viewer").hidden = session === null;
  placeSamples(session === null);
  showHistory(page.sessions, session, choose);
  if (!session) {
    for (const id of ["answers", "times", "recipe"]) byId(id).hidden = true;
    return;
  }
  const { picture } = session;
  byId("picture-facts").textContent = `${picture.name}, ${picture.width}\u00d7${picture.height} pixels, ${sizeText(picture.blob.size)}`;
  showAnswers(session, answerActions);
  if (session.last) showTimes(session.first, session.last);
  else byId("times").hidden = true;
  showRecipe();
  redraw();
}

/** Beside the empty frame samples are a way to begin; later they would stand between picture and phrase. */
function placeSamples(isBeginning) {
  const samples = byId("samples");
  if (isBeginning) document.querySelector(".stage").append(samples);
  else byId("history").after(samples);
}

function showRecipe() {
  const { session } = page;
  byId("recipe").hidden = !session?.last;
  if (!session?.last) return;
  byId("curl").textContent = curlCommand({
    url: endpoint("segment"),
    fileName: session.picture.name,
    expressions: session.last.asked,
    threshold: session.findings.at(-1)?.threshold ?? 0.5,
    withKey: byId("key").value !== "",
  });
}

function tell(sentence) {
  byId("notice").textContent = sentence ?? "";
  byId("notice").hidden = !sentence;
}

function showProblem(failure, retry) {
  const { title, advice, detail, canRetry } = explain(failure);
  byId("problem-title").textContent = title;
  byId("problem-advice").textContent = advice;
  byId("problem-detail").textContent = detail;
  byId("problem-detail").hidden = !detail;
  page.retry = canRetry ? retry : null;
  byId("retry").hidden = !page.retry;
  byId("problem").hidden = false;
  if (failure.status === 401) {
    byId("key").closest("details").open = true;
    byId("key").focus();
  }
}

const hideProblem = () => { byId("problem").hidden = true; };
const sizeText = (bytes) => (bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.max(1, Math.round(bytes / 1e3))} kB`);

// Pictures

async function open(file, suggestions = []) {
  hideProblem();
  page.running?.abort();
  let picture;
  try {
    picture = await loadPicture(file, page.limits);
  } catch (failure) {
    showProblem(failure instanceof RequestFailure ? failure : new RequestFailure("picture"), null);
    return;
  }
  page.session?.rest();
  page.session = new Session(picture);
  page.sessions = [page.session, ...page.sessions].slice(0, HISTORY_LENGTH);
  showSuggestions(suggestions);
  tell(picture.notice);
  showSession();
  announce(`${picture.name} is open. Type what should be found.`);
  byId("phrases").focus({ preventScroll: true });
}

async function choose(session) {
  page.running?.abort();
  if (session !== page.session) page.session?.rest();
  page.session = session;
  await session.wake();
  hideProblem();
  tell(null);
  showSuggestions([]);
  showSession();
  announce(`${session.picture.name} is shown again.`);
  byId("picture-heading").scrollIntoView({ block: "center" });
}

function another() {
  page.running?.abort();
  page.session?.rest();
  page.session = null;
  hideProblem();
  tell(null);
  showSuggestions([]);
  showSession();
  byId("choose").focus();
}

function showSuggestions(phrases) {
  byId("suggestions").hidden = phrases.length === 0;
  byId("suggestions").replaceChildren(...phrases.map((phrase) => {
    const button = element("button", { type: "button", textContent: phrase });
    button.addEventListener("click", () => ask([phrase]));
    return button;
  }));
}

// Asking

async function ask(expressions) {
  const { session } = page;
  const running = new AbortController();
  page.running = running;
  setBusy(true);
  hideProblem();
  tell(null);
  announce(`Looking for ${expressions.join(", ")}.`);
  try {
    const fresh = await session.ask(expressions, {
      threshold: Number(byId("threshold").value),
      key: byId("key").value,
      signal: running.signal,
      onProgress: showProgress,
      onNotice: tell,
    });
    if (page.session === session) {
      byId("phrases").value = "";
      byId("canvas").scrollIntoView({ block: "nearest" });
    }
    announce(fresh.map((finding) => `${finding.expression}: ${verdict(finding)}.`).join(" "));
    showServer("ready", session.last.reply.model);
  } catch (failure) {
    if (!(failure instanceof RequestFailure)) throw failure;
    if (failure.kind === "cancelled") announce("Cancelled.");
    else showProblem(failure, () => ask(expressions));
    if (failure.kind === "network") watchServer();
  } finally {
    if (page.running === running) {
      page.running = null;
      setBusy(false);
      hideProgress();
    }
    showSession();
  }
}

function submit() {
  if (page.running) return;
  const expressions = byId("phrases").value.split("\n").map((line) => line.trim()).filter(Boolean);
  if (!page.session) {
    announce("Choose a picture first.");
    tell("Choose a picture first.");
    byId("choose").focus();
  } else if (expressions.length === 0) {
    announce("Type a phrase first.");
    tell("Type a phrase first, for example: the dog on the left.");
    byId("phrases").focus();
  } else {
    ask(expressions);
  }
}

function setBusy(busy) {
  // aria-disabled and not disabled: the focus stays where it was.
  byId("find").setAttribute("aria-disabled", String(busy));
  byId("find").textContent = busy ? "Finding…" : "Find";
  byId("cancel").hidden = !busy;
  for (const button of byId("suggestions").children) button.disabled = busy;
}

const answerActions = {
  toggle(finding) {
    finding.visible = !finding.visible;
    const index = page.session.findings.indexOf(finding);
    showSession();
    byId("answer-list").children[index].querySelector("[data-action=toggle]").focus();
  },
  remove(finding) {
    page.session.findings = page.session.findings.filter((other) => other !== finding);
    page.emphasis = null;
    showSession();
    announce(`${finding.expression} removed.`);
    byId("phrases").focus({ preventScroll: true });
  },
  emphasize(finding) {
    page.emphasis = finding;
    redraw();
  },
  async cutout(finding) {
    download(await cutOut(page.session.picture, finding), `${fileStem(page.session, finding)}-cutout.png`);
  },
};

// The server's state

/** Looks until the server is ready, then stops: a page left open costs the server nothing. */
const watchServer = () => untilReady((facts) => { page.limits = limitsFrom(facts); });

// What the user does

function listen() {
  byId("choose").addEventListener("click", () => byId("file").click());
  byId("take").addEventListener("click", async () => {
    hideProblem();
    try {
      const file = await takePicture();
      if (file) await open(file);
    } catch (failure) {
      showProblem(failure, null);
    }
  });
  for (const id of ["file", "capture"]) {
    byId(id).addEventListener("change", (event) => {
      const [file] = event.target.files;
      if (file) open(file);
      event.target.value = ""; // so that the same file can be chosen again
    });
  }
  byId("another").addEventListener("click", another);
  byId("ask").addEventListener("submit", (event) => { event.preventDefault(); submit(); });
  byId("phrases").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    submit();
  });
  byId("cancel").addEventListener("click", () => { page.running?.abort(); byId("phrases").focus(); });
  byId("retry").addEventListener("click", () => { hideProblem(); page.retry?.(); });
  byId("dismiss").addEventListener("click", () => { hideProblem(); byId("phrases").focus(); });
  listenToView();
  listenForPictures({ onPicture: open, onOther: tell });
}

function listenToView() {
  for (const radio of document.querySelectorAll("input[name=view]")) {
    radio.addEventListener("change", () => { page.view = radio.value; redraw(); });
  }
  byId("opacity").addEventListener("input", (event) => {
    page.opacity = event.target.value / 100;
    byId("opacity-value").textContent = `${event.target.value}%`;
    redraw();
  });
  byId("threshold").addEventListener("input", (event) => {
    byId("threshold-value").textContent = Number(event.target.value).toFixed(2);
  });
  byId("boxes").addEventListener("change", (event) => { page.boxes = event.target.checked; redraw(); });
  byId("key").addEventListener("change", showRecipe);
  byId("save-view").addEventListener("click", async () => {
    const stem = page.session.picture.name.replace(/\.[^.]*$/, "");
    download(await saved(scene()), `${stem}-${page.view}.png`);
  });
  byId("copy-curl").addEventListener("click", async (event) => {
    const copied = await copyText(byId("curl").textContent);
    flash(event.target, copied ? "Copied" : "Not allowed");
    announce(copied ? "Command copied" : "The browser does not allow copying");
  });
  new ResizeObserver(redraw).observe(byId("canvas"));
}

async function openSample(sample) {
  const answer = await fetch(sample.source).catch(() => null);
  if (!answer?.ok) return showProblem(new RequestFailure("network"), () => openSample(sample));
  const blob = await answer.blob();
  await open(new File([blob], sample.file, { type: blob.type }), sample.phrases ?? []);
}

listen();
watchServer();
showSamples(openSample);
