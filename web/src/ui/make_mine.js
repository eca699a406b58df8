// SPDX-License-Identifier: Apache-2.0
/**
 * Dialog in which a person makes their own head: a guided recording, its way to the client, the result to look at.
 *
 * @import {RoomState} from "../types.js"
 */

import { rendererText } from "../status.js";
import { STEPS, TakeGuide, stepsFor } from "../take_guide.js";
import { progressOf } from "../take_progress.js";
import { TakeRecorder, recordingKind } from "../take_recorder.js";
import { chime } from "./chime.js";
import { byId } from "./dom.js";
import { TakeScreen } from "./take_screen.js";

const COUNTDOWN_S = 3;

/**
 * intro: before the recording; count: a moment before it; record; after: it is being sent, worked on, or looked at;
 * failed: nothing came of it.
 *
 * @typedef {"closed"|"intro"|"count"|"record"|"after"|"failed"} MakeMinePhase
 */

/**
 * @typedef {object} MakeMineOptions
 * @property {import("../call.js").Call} call
 * @property {number} speed of the guided steps; 1, or more in tests
 * @property {() => boolean} wearsOwn whether the person is seen with a head of their own
 * @property {() => void} onChange the self tile may belong somewhere else now
 */

export class MakeMine {
  /** @param {MakeMineOptions} options */
  constructor({ call, speed, wearsOwn, onChange }) {
    this.wearsOwn = wearsOwn;
    this.call = call;
    this.speed = speed;
    this.onChange = onChange;
    this.dialog = byId("make-mine", HTMLDialogElement);
    /** Where the self tile stands while the head is looked at. */
    this.previewHome = byId("take-preview", HTMLElement);
    this.screen = new TakeScreen({
      onBegin: () => this.#count(),
      onPause: () => this.#togglePause(),
      onKeep: () => this.#keep(),
      onAgain: () => this.#again(),
      onSendAgain: () => this.#sendAgain(),
      onCancel: () => this.dialog.close(),
    });
    /** @type {MakeMinePhase} */
    this.phase = "closed";
    this.failure = "";
    this.wasCameraOn = true;
    this.guide = new TakeGuide(STEPS);
    this.isExtended = false;
    this.stepShown = -1;
    this.countsFromMs = 0;
    /** @type {string|null} */
    this.kind = recordingKind();
    /** @type {TakeRecorder|null} */
    this.recorder = null;
    /** Everything recorded, until it is kept: it may have to be sent again. @type {Blob[]} */
    this.parts = [];
    /** @type {import("../take_upload.js").TakeUpload|null} */
    this.upload = null;
    this.clientHasBegun = false;
    /** @type {MediaStreamTrack|null} */
    this.recordedTrack = null;
    this.keeps = false;
    this.dialog.addEventListener("close", () => this.#closed());
    this.dialog.addEventListener("cancel", (event) => {
      if (this.phase === "record" || this.phase === "count") event.preventDefault(); // Escape pauses a recording
      if (this.phase === "record") this.#pause();
    });
    document.addEventListener("visibilitychange", () => {
      if (document.hidden && this.phase === "record") this.#pause();
    });
  }

  /** Whether the person's own head is to be shown here. */
  get showsPreview() {
    return this.phase === "after" && (this.call.state.enrolment?.avatar_id ?? null) !== null;
  }

  async open() {
    if (this.phase !== "closed") return;
    this.wasCameraOn = this.call.state.cameraOn;
    this.parts = [];
    this.phase = "intro";
    this.dialog.showModal();
    this.call.watchTake(true);
    this.#show();
    await this.call.devices.setDetailed(true);
    if (!this.wasCameraOn || !this.call.devices.camera) this.call.setCamera(true);
  }

  /** @param {RoomState} state */
  update(state) {
    if (this.phase === "closed") return;
    const { enrolment, phase } = state;
    if (phase === "left") {
      this.dialog.close();
      return;
    }
    if (enrolment && enrolment.state !== "none") this.clientHasBegun = true;
    const isOpen = this.upload?.channel.readyState === "open";
    if (this.phase === "record" && enrolment?.state === "failed" && isOpen) this.#fail(enrolment.text);
    if (this.phase === "record" && !state.hasCamera && !this.guide.isPaused) this.#pause();
    if (this.phase === "after") {
      if (enrolment?.state === "failed") this.#fail(enrolment.text);
      else if (this.clientHasBegun && enrolment?.state === "none") this.#fail("Your renderer was replaced by another.");
    }
    this.#show();
  }

  /** @param {MediaStreamTrack|null} camera */
  showCamera(camera) {
    this.screen.showCamera(camera);
    if (this.phase === "record" && camera !== this.recordedTrack) {
      this.#fail("The camera was lost while you recorded.");
      this.#show();
    }
  }

  #show() {
    const { state } = this.call;
    const renderer = rendererText(state);
    const obstacle =
      this.kind === null ? "This browser cannot record video." : renderer || (state.hasCamera ? "" : "No camera yet.");
    this.screen.update({
      phase: this.phase,
      paused: this.guide.isPaused,
      obstacle,
      failure: this.failure,
      canSendAgain: this.parts.length > 0 && this.recorder === null,
      coverage: state.coverage,
      progress: progressOf(state.enrolment, this.upload),
      showsPreview: this.showsPreview,
    });
    this.onChange();
  }

  #count() {
    this.phase = "count";
    this.countsFromMs = performance.now();
    this.call.watchTake(true); // what was seen before the recording does not count
    this.#show();
    requestAnimationFrame(() => this.#frame());
  }

  #record() {
    const { camera } = this.call.devices;
    if (!camera || this.kind === null) {
      this.#fail("There is no camera to record.");
      return;
    }
    this.phase = "record";
    this.guide = new TakeGuide(STEPS, this.speed);
    this.isExtended = false;
    this.stepShown = -1;
    this.parts = [];
    this.clientHasBegun = false;
    this.recordedTrack = camera;
    this.upload = this.call.sendTake(this.kind);
    try {
      this.recorder = new TakeRecorder(camera, this.kind, {
        onPart: (part) => this.#addPart(part),
        onFailure: () => this.#fail("The browser could not record the camera."),
      });
    } catch {
      this.#fail("The browser could not record the camera.");
      return;
    }
    this.guide.run(performance.now());
    this.#show();
  }

  /** @param {Blob} part */
  #addPart(part) {
    this.parts.push(part);
    this.upload?.add(part);
  }

  /** Once for each picture of the screen, from the countdown to the end of the recording. */
  #frame() {
    const nowMs = performance.now();
    if (this.phase === "count") {
      const leftS = COUNTDOWN_S / this.speed - (nowMs - this.countsFromMs) / 1000;
      if (leftS > 0) this.screen.showCountdown(Math.ceil(leftS));
      else this.#record();
    } else if (this.phase === "record") {
      this.#step(nowMs);
    }
    if (this.phase === "count" || this.phase === "record") requestAnimationFrame(() => this.#frame());
    else this.#show();
  }

  /** @param {number} nowMs */
  #step(nowMs) {
    const moment = this.guide.at(nowMs);
    if (moment) {
      if (moment.index !== this.stepShown) {
        this.stepShown = moment.index;
        chime(moment.index === 0 ? "begin" : "step");
      }
      this.screen.showMoment(moment, this.guide.steps.length);
      return;
    }
    const missing = this.isExtended ? [] : stepsFor(this.call.state.coverage?.missing ?? []);
    this.isExtended = true;
    if (missing.length > 0) this.guide.extend(missing);
    else void this.#finish();
  }

  async #finish() {
    this.phase = "after";
    chime("end");
    const { recorder } = this;
    await recorder?.stop();
    if (recorder !== this.recorder) return; // cancelled meanwhile
    this.recorder = null;
    await this.call.devices.setWide(true); // the preview is tracked like the take
    await this.call.devices.setDetailed(false);
    if (!this.upload || this.upload.isBroken) this.#send();
    else void this.upload.end().then(() => this.#checkUpload());
    this.#show();
  }

  #sendAgain() {
    this.phase = "after";
    this.#send();
    this.#show();
  }

  #send() {
    this.clientHasBegun = false;
    this.upload = this.kind === null ? null : this.call.sendTake(this.kind);
    if (!this.upload) {
      this.#fail("There is no connection to your renderer.");
      return;
    }
    for (const part of this.parts) this.upload.add(part);
    void this.upload.end().then(() => this.#checkUpload());
  }

  #checkUpload() {
    if (this.phase !== "after" || !this.upload?.isBroken) return;
    this.#fail("The connection was lost while the take was being sent.");
    this.#show();
  }

  #togglePause() {
    if (this.guide.isPaused) {
      this.guide.run(performance.now());
      this.recorder?.resume();
      this.#show();
    } else {
      this.#pause();
    }
  }

  #pause() {
    this.guide.pause(performance.now());
    this.recorder?.pause();
    this.#show();
  }

  #keep() {
    this.call.keepHead();
    this.keeps = true;
    this.dialog.close();
  }

  #again() {
    this.#letGo();
    this.phase = "intro";
    this.#show();
    void this.call.devices.setDetailed(true);
  }

  /** @param {string} sentence */
  #fail(sentence) {
    this.phase = "failed";
    this.failure = sentence;
    this.recorder?.discard();
    this.recorder = null;
    this.upload?.abort();
    this.upload = null;
  }

  /** Ends recording, sending and work. */
  #letGo() {
    this.recorder?.discard();
    this.recorder = null;
    this.upload?.abort();
    this.upload = null;
    this.parts = [];
    this.call.cancelHead();
  }

  #closed() {
    const kept = this.keeps;
    this.call.watchTake(false);
    if (kept) {
      this.parts = [];
      this.upload = null; // the client has it all, and goes on if it is not done
    } else {
      this.#letGo();
    }
    this.keeps = false;
    this.phase = "closed";
    if (!this.wasCameraOn) this.call.setCamera(false);
    void this.call.devices.setDetailed(false);
    if (!kept) void this.call.devices.setWide(this.wearsOwn());
    this.onChange();
  }
}
