// SPDX-License-Identifier: Apache-2.0
/** Records the camera without sound, in parts that can be sent at once. */

const BITS_PER_SECOND = 6_000_000;
const PART_MS = 500;
/** The first one that the browser has. VP8 before VP9: it costs a slow machine half as much. */
const KINDS = ["video/webm;codecs=vp8", "video/webm;codecs=vp9", "video/webm", "video/mp4"];

/** @returns {string|null} MIME type of a recording; null: this browser cannot record */
export function recordingKind() {
  if (typeof MediaRecorder === "undefined") return null;
  return KINDS.find((kind) => MediaRecorder.isTypeSupported(kind)) ?? null;
}

export class TakeRecorder {
  /**
   * @param {MediaStreamTrack} camera
   * @param {string} kind of `recordingKind`
   * @param {{onPart: (part: Blob) => void, onFailure: () => void}} handlers
   */
  constructor(camera, kind, { onPart, onFailure }) {
    this.recorder = new MediaRecorder(new MediaStream([camera]), {
      mimeType: kind,
      videoBitsPerSecond: BITS_PER_SECOND,
    });
    this.isWanted = true;
    this.recorder.ondataavailable = ({ data }) => {
      if (this.isWanted && data.size > 0) onPart(data);
    };
    this.recorder.onerror = onFailure;
    this.recorder.start(PART_MS);
  }

  pause() {
    if (this.recorder.state === "recording") this.recorder.pause();
  }

  resume() {
    if (this.recorder.state === "paused") this.recorder.resume();
  }

  /** @returns {Promise<void>} when the last part has come */
  async stop() {
    if (this.recorder.state === "inactive") return;
    await new Promise((resolve) => {
      this.recorder.addEventListener("stop", resolve, { once: true });
      this.recorder.stop();
    });
  }

  /** Ends it; no part comes any more. */
  discard() {
    this.isWanted = false;
    if (this.recorder.state !== "inactive") this.recorder.stop();
  }
}
