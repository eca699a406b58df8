// SPDX-License-Identifier: Apache-2.0
/**
 * Draws each head from the atlas video into its own canvas, once for every frame that arrives.
 *
 * @import {AtlasMessage} from "./types.js"
 */

import { STAMP_HEIGHT_PX, STAMP_WIDTH_PX, cropOf, decodeStamp, difference, latencyMs, showsHead } from "./atlas.js";
import { eyeBoxes } from "./stereo.js";

const MAX_LATENCIES = 2_000;
const THUMBNAIL_PX = 16;
/** Mean change of a thumbnail that counts as movement; coding noise stays below it. */
const MOTION_THRESHOLD = 0.5;
/** A head that rests need not be watched for ever: looking costs a read-back. */
const MAX_WATCHED_FRAMES = 600;
const FPS_WINDOW_MS = 2_000;

/**
 * Figures of one tile. Times are `performance.now()` of the page.
 *
 * @typedef {object} TileStats
 * @property {number} frames frames drawn
 * @property {number|null} firstFrameAt the first frame drawn
 * @property {number|null} firstHeadAt the first frame with more than background
 * @property {number|null} firstMotionAt the first frame that differs from the first head
 * @property {number[]} latencies ms from capture to here, newest last (only while stamps are on)
 * @property {number} captures different pictures of the person that were shown (only while stamps are on)
 * @property {number|null} firstCaptureAt the first of them: before it the head only idles
 * @property {number} badStamps stamps that could not be read
 *
 * @typedef {{canvas: HTMLCanvasElement, context: CanvasRenderingContext2D, stats: TileStats,
 *   firstHead: Uint8ClampedArray|null, lastStamp: number|null, stereo: boolean}} Target
 */

export class AtlasPainter {
  /**
   * @param {HTMLVideoElement} video hidden element that plays the atlas
   * @param {() => void} onBlocked the browser wants a click before it plays even a muted video (saving power)
   */
  constructor(video, onBlocked) {
    this.video = video;
    this.onBlocked = onBlocked;
    /** @type {AtlasMessage|null} */
    this.atlas = null;
    this.stamp = false;
    /** @type {import("./stereo.js").StereoFormat} */
    this.stereoFormat = "full";
    /** @type {Map<string, Target>} */
    this.targets = new Map();
    /** @type {number[]} */
    this.frameTimes = [];
    this.probe = createContext(THUMBNAIL_PX, THUMBNAIL_PX);
    this.stampReader = createContext(STAMP_WIDTH_PX, STAMP_HEIGHT_PX);
    this.#awaitFrame();
  }

  /** @param {MediaStreamTrack} track */
  play(track) {
    this.video.srcObject = new MediaStream([track]);
    this.video.play().catch((error) => {
      if (error.name === "NotAllowedError") this.onBlocked(); // a replaced source aborts the former play: no fault
    });
  }

  /** Plays what the browser has held back; call it from a click. */
  resume() {
    if (this.video.srcObject) void this.video.play().catch(() => {});
  }

  /** @param {string} memberId @param {HTMLCanvasElement} canvas */
  add(memberId, canvas) {
    const context = canvas.getContext("2d", { alpha: false });
    if (!context) return;
    const stats = {
      frames: 0,
      firstFrameAt: null,
      firstHeadAt: null,
      firstMotionAt: null,
      latencies: [],
      captures: 0,
      firstCaptureAt: null,
      badStamps: 0,
    };
    this.targets.set(memberId, { canvas, context, stats, firstHead: null, lastStamp: null, stereo: false });
  }

  /**
   * @param {string} memberId
   * @param {boolean} stereo the tile holds one picture for each eye; they go to the halves of its canvas
   */
  setStereo(memberId, stereo) {
    const target = this.targets.get(memberId);
    if (target) target.stereo = stereo;
  }

  /** @param {string} memberId */
  remove(memberId) {
    this.targets.delete(memberId);
  }

  /** @returns {Record<string, TileStats>} */
  stats() {
    return Object.fromEntries([...this.targets].map(([memberId, { stats }]) => [memberId, structuredClone(stats)]));
  }

  fps() {
    const since = performance.now() - FPS_WINDOW_MS;
    this.frameTimes = this.frameTimes.filter((time) => time > since);
    return (this.frameTimes.length * 1000) / FPS_WINDOW_MS;
  }

  #painted() {
    const nowMs = performance.now();
    this.frameTimes.push(nowMs);
    if (this.frameTimes.length > 1000) this.fps();
    for (const tile of this.atlas?.tiles ?? []) {
      const target = this.targets.get(tile.member_id);
      const crop = this.atlas && cropOf(tile, this.atlas, this.video.videoWidth, this.video.videoHeight);
      if (target && crop) this.#draw(target, crop, nowMs);
    }
    this.#awaitFrame();
  }

  #awaitFrame() {
    if ("requestVideoFrameCallback" in this.video) this.video.requestVideoFrameCallback(() => this.#painted());
    else requestAnimationFrame(() => this.#painted()); // older Firefox: screen rate instead of frame rate
  }

  /** @param {Target} target @param {{x: number, y: number, size: number}} crop @param {number} nowMs */
  #draw(target, crop, nowMs) {
    const { canvas, context, stats } = target;
    if (target.stereo) {
      this.#drawEyes(target, crop);
    } else {
      const size = Math.round(crop.size);
      resize(canvas, size, size);
      context.drawImage(this.video, crop.x, crop.y, crop.size, crop.size, 0, 0, size, size);
    }
    stats.frames += 1;
    stats.firstFrameAt ??= nowMs;
    if (stats.firstMotionAt === null && stats.frames <= MAX_WATCHED_FRAMES) this.#watchFirst(target, nowMs);
    if (this.stamp) this.#readStamp(target, crop, nowMs);
  }

  /** @param {Target} target @param {{x: number, y: number, size: number}} crop */
  #drawEyes({ canvas, context }, crop) {
    resize(canvas, Math.round(canvas.clientWidth * devicePixelRatio), Math.round(canvas.clientHeight * devicePixelRatio));
    context.clearRect(0, 0, canvas.width, canvas.height); // the format may have changed
    const half = crop.size / 2;
    eyeBoxes(canvas.width, canvas.height, this.stereoFormat).forEach((box, eye) => {
      const from = /** @type {const} */ ([crop.x + eye * half, crop.y, half, crop.size]);
      context.drawImage(this.video, ...from, box.x, box.y, box.width, box.height);
    });
  }

  /** Looks for the first head and its first movement, then never again. @param {Target} target @param {number} nowMs */
  #watchFirst(target, nowMs) {
    this.probe.drawImage(target.canvas, 0, 0, THUMBNAIL_PX, THUMBNAIL_PX);
    const thumbnail = this.probe.getImageData(0, 0, THUMBNAIL_PX, THUMBNAIL_PX).data;
    if (target.firstHead === null) {
      if (!showsHead(thumbnail)) return;
      target.firstHead = thumbnail;
      target.stats.firstHeadAt = nowMs;
    } else if (difference(target.firstHead, thumbnail) > MOTION_THRESHOLD) {
      target.stats.firstMotionAt = nowMs;
    }
  }

  /** @param {Target} target @param {{x: number, y: number, size: number}} crop @param {number} nowMs */
  #readStamp(target, crop, nowMs) {
    const { stats } = target;
    const width = STAMP_WIDTH_PX;
    const height = STAMP_HEIGHT_PX;
    this.stampReader.drawImage(this.video, crop.x, crop.y, width, height, 0, 0, width, height);
    const stamp = decodeStamp(this.stampReader.getImageData(0, 0, width, height).data);
    const latency = latencyMs(Date.now(), stamp);
    if (latency === null) {
      stats.badStamps += 1;
    } else if (stamp !== target.lastStamp) {
      target.lastStamp = stamp;
      stats.captures += 1;
      stats.firstCaptureAt ??= nowMs;
      stats.latencies.push(latency);
      if (stats.latencies.length > MAX_LATENCIES) stats.latencies.shift();
    }
  }
}

/** Setting the size clears a canvas. @param {HTMLCanvasElement} canvas @param {number} width @param {number} height */
function resize(canvas, width, height) {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
}

/** @param {number} width @param {number} height */
function createContext(width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  return /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
}
