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
    const { width, height } = this.picture.display;
    const fresh = [];
    for (const result of reply.results) {
      const color = colorFor(this.asked);
      this.asked += 1;
      const masks = result.masks ?? [];
      const rejected = Boolean(result.rejected);
      const inside = rejected ? null : await unionOf(masks, width, height);
      fresh.push({
        number: this.asked, expression: result.expression, color, rejected, masks, threshold,
        score: result.score, rejectScore: result.reject_score, visible: true,
        layers: inside && layersOf(inside, width, height, color.hex),
      });
    }
    this.findings.push(...fresh);
    this.last = { reply, sent, milliseconds, asked };
    this.first ??= this.last;
    return fresh;
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
