// SPDX-License-Identifier: Apache-2.0
/**
 * What the dialog "make your own head" shows; it decides nothing.
 *
 * @import {CoverageMessage} from "../types.js"
 * @import {TakeMoment} from "../take_guide.js"
 * @import {TakeProgress} from "../take_progress.js"
 */

import { METERS } from "../take_guide.js";
import { byId, element, setText } from "./dom.js";

/** Length of the ring's circle in the units of its picture, as in index.html. */
const RING_LENGTH = 100;

/**
 * @typedef {object} TakeHandlers
 * @property {() => void} onBegin
 * @property {() => void} onPause
 * @property {() => void} onKeep
 * @property {() => void} onAgain
 * @property {() => void} onSendAgain
 * @property {() => void} onCancel
 */

/**
 * @typedef {object} TakeView
 * @property {import("./make_mine.js").MakeMinePhase} phase
 * @property {boolean} paused
 * @property {string} obstacle why the recording cannot begin; empty: it can
 * @property {string} failure
 * @property {boolean} canSendAgain
 * @property {CoverageMessage|null} coverage
 * @property {TakeProgress} progress
 * @property {boolean} showsPreview
 */

export class TakeScreen {
  /** @param {TakeHandlers} handlers */
  constructor(handlers) {
    this.dialog = byId("make-mine", HTMLElement);
    this.title = byId("make-mine-title", HTMLElement);
    this.picture = byId("take-picture", HTMLVideoElement);
    this.cameraBox = byId("take-camera", HTMLElement);
    this.preview = byId("take-preview", HTMLElement);
    this.sign = byId("take-sign", HTMLElement);
    this.ring = byId("take-camera", HTMLElement);
    this.instruction = byId("take-instruction", HTMLElement);
    this.detail = byId("take-detail", HTMLElement);
    this.clock = byId("take-clock", HTMLElement);
    this.hints = byId("take-hints", HTMLElement);
    this.coverage = byId("take-coverage", HTMLElement);
    this.progressBox = byId("take-progress", HTMLElement);
    this.bar = byId("take-bar", HTMLProgressElement);
    this.progressText = byId("take-progress-text", HTMLElement);
    this.privacy = byId("take-privacy", HTMLElement);
    const button = (/** @type {string} */ id, /** @type {() => void} */ run) => {
      const node = byId(id, HTMLButtonElement);
      node.addEventListener("click", run);
      return node;
    };
    this.begin = button("take-begin", handlers.onBegin);
    this.pause = button("take-pause", handlers.onPause);
    this.keep = button("take-keep", handlers.onKeep);
    this.again = button("take-again", handlers.onAgain);
    this.sendAgain = button("take-send-again", handlers.onSendAgain);
    this.cancel = button("take-cancel", handlers.onCancel);
    this.meters = METERS.map(({ label, names }) => {
      const meter = element("meter", { min: "0", max: "1", value: "0", "aria-label": label });
      this.coverage.append(element("li", {}, meter, element("span", { "aria-hidden": "true" }, label)));
      return { meter, names };
    });
    this.phase = "closed";
  }

  /** @param {MediaStreamTrack|null} camera */
  showCamera(camera) {
    this.picture.srcObject = camera && new MediaStream([camera]);
    if (camera) void this.picture.play().catch(() => {}); // replaced before it played
  }

  /** @param {TakeView} view */
  update({ phase, paused, obstacle, failure, canSendAgain, coverage, progress, showsPreview }) {
    const isLive = phase === "intro" || phase === "count" || phase === "record";
    this.dialog.dataset.phase = showsPreview ? "preview" : phase;
    this.cameraBox.hidden = !isLive;
    this.preview.hidden = !showsPreview;
    this.begin.hidden = phase !== "intro";
    this.begin.disabled = obstacle !== "";
    this.pause.hidden = phase !== "record";
    setText(this.pause, paused ? "Go on" : "Pause");
    this.keep.hidden = !showsPreview;
    this.again.hidden = !showsPreview && phase !== "failed";
    setText(this.again, showsPreview ? "Retake" : "Try again");
    this.sendAgain.hidden = phase !== "failed" || !canSendAgain;
    setText(this.cancel, phase === "failed" ? "Close" : "Cancel");
    this.coverage.hidden = phase !== "record";
    this.progressBox.hidden = phase !== "after";
    this.privacy.hidden = phase !== "intro";
    this.#showCoverage(coverage, isLive);
    if (phase === "after") this.#showProgress(progress, showsPreview);
    if (phase === "intro") {
      this.#say("Half a minute in front of the camera", obstacle || INTRO);
      this.#clear();
    }
    if (phase === "failed") this.#say("That did not work", failure);
    if (phase === "record" && paused) this.#say("Paused", "Nothing is recorded until you go on.");
    this.#focus(phase, showsPreview);
  }

  /** @param {number} leftS */
  showCountdown(leftS) {
    this.#say("Look straight into the camera", "The recording begins at the third tick.");
    setText(this.sign, String(leftS));
  }

  /** @param {TakeMoment} moment @param {number} count */
  showMoment({ step, index, share, leftS }, count) {
    this.#say(step.title, step.detail);
    setText(this.sign, step.sign);
    this.ring.style.setProperty("--spent", String(RING_LENGTH * share));
    setText(this.clock, `Step ${index + 1} of ${count} · ${Math.ceil(leftS)} s left`);
  }

  /** @param {CoverageMessage|null} coverage @param {boolean} isLive */
  #showCoverage(coverage, isLive) {
    for (const { meter, names } of this.meters) {
      meter.value = names.reduce((sum, name) => sum + (coverage?.shares[name] ?? 0), 0) / names.length;
    }
    setText(this.hints, isLive ? (coverage?.hints[0] ?? "") : "");
  }

  /** @param {TakeProgress} progress @param {boolean} showsPreview */
  #showProgress({ share, text, warning, isDone }, showsPreview) {
    if (share === null) this.bar.removeAttribute("value");
    else this.bar.value = share;
    this.bar.hidden = isDone;
    setText(this.progressText, text);
    setText(this.hints, warning);
    this.#clear();
    if (!showsPreview) this.#say("Your head is being made", "A first look comes soon; the rest takes a minute or two.");
    else if (isDone) this.#say("This is you", "Move, speak, and drag the head around. Keep it?");
    else this.#say("A first look", "Drag it around. It is getting sharper; you may keep it already.");
  }

  #clear() {
    setText(this.clock, "");
    setText(this.sign, "");
    this.ring.style.setProperty("--spent", String(RING_LENGTH));
  }

  /** @param {string} instruction @param {string} detail */
  #say(instruction, detail) {
    setText(this.instruction, instruction);
    setText(this.detail, detail);
  }

  /** The button that had the focus may be gone. @param {string} phase @param {boolean} showsPreview */
  #focus(phase, showsPreview) {
    const now = showsPreview ? "preview" : phase;
    if (now === this.phase) return;
    this.phase = now;
    const next = { intro: this.begin, record: this.pause, preview: this.keep, failed: this.again }[now] ?? this.cancel;
    if (now !== "closed") next.focus({ preventScroll: true });
  }
}

const INTRO =
  "You follow ten short instructions. Sit as in a call: light from the front, the face in the middle, nothing before it.";
