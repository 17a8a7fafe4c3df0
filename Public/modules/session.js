// One picture of this visit and what was asked about it.

import { RequestFailure, requestMasks } from "./client.js";
import { layersOf, unionOf } from "./masks.js";
import { colorFor } from "./palette.js";
import { smaller } from "./picture.js";

/** How often a busy server is asked again without bothering the user. */
const PATIENCE = 2;

/** How often a picture is made smaller for a server that refuses it as too large. */
const SHRINKS = 3;

export class Session {
  constructor(picture) {
    this.picture = picture;
    /** What the server calls this picture; null until it has answered once. */
    this.imageID = null;
    this.findings = [];
    this.first = null;
    this.last = null;
    this.asked = 0;
    /** A small canvas for the history, drawn when the session was last shown. */
    this.thumbnail = null;
  }

  /**
   * Asks for `expressions` and appends the findings. `onProgress` as in the client, with the further phase
   * "retrying" (`seconds`); `onNotice(sentence)` tells what had to be done otherwise than usual.
   * Throws RequestFailure.
   */
  async ask(expressions, { threshold, key, signal, onProgress, onNotice }) {
    let patience = PATIENCE;
    let shrinks = SHRINKS;
    for (;;) {
      const picture = this.imageID ? null : this.picture;
      try {
        const answer = await requestMasks({ picture, imageID: this.imageID, expressions, threshold, key, onProgress, signal });
        return await this.#take(answer, expressions, threshold);
      } catch (failure) {
        if (failure.status === 404 && !picture) {
          this.imageID = null;
          onNotice("The server had forgotten the picture, so it was sent again.");
        } else if (failure.status === 413 && shrinks > 0) {
          shrinks -= 1;
          this.picture = await smaller(this.picture);
          onNotice(this.picture.notice);
        } else if ((failure.status === 429 || failure.status === 503) && failure.retryAfter !== null && failure.retryAfter <= 30 && patience > 0) {
          patience -= 1;
          onProgress({ phase: "retrying", seconds: failure.retryAfter });
          await pause(failure.retryAfter * 1000, signal);
        } else {
          throw failure;
        }
      }
    }
  }

  async #take({ reply, sent, milliseconds }, asked, threshold) {
    this.imageID = reply.image.image_id ?? reply.image.sha256 ?? null;
    const fresh = reply.results.map((result, index) => ({
      number: this.asked + index + 1, expression: result.expression, color: colorFor(this.asked + index),
      rejected: Boolean(result.rejected), rejectScore: result.reject_score,
      score: result.score, masks: result.masks ?? [], threshold, visible: true, layers: null,
    }));
    this.asked += fresh.length;
    this.findings.push(...fresh);
    await this.wake();
    this.last = { reply, sent, milliseconds, asked };
    this.first ??= this.last;
    return fresh;
  }

  /** Makes the layers that are missing, before the session is shown. */
  async wake() {
    const { width, height } = this.picture.display;
    for (const finding of this.findings) {
      if (finding.layers || finding.rejected) continue;
      finding.layers = layersOf(await unionOf(finding.masks, width, height), width, height, finding.color.hex);
    }
  }

  /** Gives back the memory of the layers while another session is shown. */
  rest() {
    for (const finding of this.findings) finding.layers = null;
  }
}

function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(new RequestFailure("cancelled"));
    }, { once: true });
  });
}
