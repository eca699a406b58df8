// SPDX-License-Identifier: Apache-2.0
/**
 * Orbiting a head: gestures to a view, and the pace at which views are sent.
 * Signs follow renderer/camera.py: positive yaw moves the camera to the image's right, positive pitch moves it up.
 *
 * @import {View} from "./types.js"
 */

export const MAX_YAW = 1.4;
export const MAX_PITCH = 0.7;
const MIN_DISTANCE = 0.6;
const MAX_DISTANCE = 2;

/** A drag across the whole tile turns the head by this much, radians. */
const RADIANS_PER_TILE = 2.2;
/** One arrow key press, radians. */
const KEY_STEP = Math.PI / 36;
/** One notch of a wheel (100 px) or one press of + or -. */
const ZOOM_STEP = 1.1;

/** @type {Readonly<View>} */
export const FRONT_VIEW = Object.freeze({ yaw: 0, pitch: 0, distance: 1 });

/** @param {number} value @param {number} least @param {number} most */
const clamp = (value, least, most) => Math.min(most, Math.max(least, value));

/** @param {View} view @returns {View} */
function limited(view) {
  return {
    yaw: clamp(view.yaw, -MAX_YAW, MAX_YAW),
    pitch: clamp(view.pitch, -MAX_PITCH, MAX_PITCH),
    distance: clamp(view.distance, MIN_DISTANCE, MAX_DISTANCE),
  };
}

/**
 * The head follows the finger: its nose goes where the drag goes, so the camera goes the other way.
 *
 * @param {View} view
 * @param {number} dx CSS pixels
 * @param {number} dy CSS pixels
 * @param {number} sizePx side of the tile, CSS pixels
 * @param {boolean} [mirrored] the tile is drawn as a mirror
 */
export function dragged(view, dx, dy, sizePx, mirrored = false) {
  const scale = RADIANS_PER_TILE / Math.max(1, sizePx);
  const toRight = mirrored ? -dx : dx;
  return limited({ ...view, yaw: view.yaw - toRight * scale, pitch: view.pitch + dy * scale });
}

/**
 * @param {View} view
 * @param {number} factor above 1: further away
 */
export function zoomed(view, factor) {
  return limited({ ...view, distance: view.distance * factor });
}

/**
 * @param {View} view
 * @param {number} deltaPx wheel movement, positive = towards the person at the desk = further away
 */
export function wheeled(view, deltaPx) {
  return zoomed(view, ZOOM_STEP ** clamp(deltaPx / 100, -3, 3));
}

/**
 * @param {View} view
 * @param {string} key a `KeyboardEvent.key`
 * @param {boolean} [mirrored]
 * @returns {View|null} null: this key does nothing to a view
 */
export function afterKey(view, key, mirrored = false) {
  const side = mirrored ? -KEY_STEP : KEY_STEP;
  switch (key) {
    case "ArrowLeft":
      return limited({ ...view, yaw: view.yaw + side });
    case "ArrowRight":
      return limited({ ...view, yaw: view.yaw - side });
    case "ArrowUp":
      return limited({ ...view, pitch: view.pitch - KEY_STEP });
    case "ArrowDown":
      return limited({ ...view, pitch: view.pitch + KEY_STEP });
    case "+":
    case "=":
      return zoomed(view, 1 / ZOOM_STEP);
    case "-":
      return zoomed(view, ZOOM_STEP);
    case "0":
    case "Home":
      return { ...FRONT_VIEW };
    default:
      return null;
  }
}

/**
 * Lets the newest value through at most once in an interval; the last one always arrives.
 *
 * @template T
 */
export class LatestThrottle {
  /**
   * @param {(value: T) => void} deliver
   * @param {number} intervalMs
   * @param {{now: () => number, setTimer: (run: () => void, ms: number) => unknown}} [clock]
   */
  constructor(
    deliver,
    intervalMs,
    clock = { now: () => performance.now(), setTimer: (run, ms) => setTimeout(run, ms) },
  ) {
    this.deliver = deliver;
    this.intervalMs = intervalMs;
    this.clock = clock;
    this.lastMs = -Infinity;
    /** @type {{value: T}|null} */
    this.waiting = null;
  }

  /** @param {T} value */
  push(value) {
    const wait = this.lastMs + this.intervalMs - this.clock.now();
    if (this.waiting) {
      this.waiting.value = value;
    } else if (wait <= 0) {
      this.#send(value);
    } else {
      this.waiting = { value };
      this.clock.setTimer(() => this.#flush(), wait);
    }
  }

  #flush() {
    const waiting = this.waiting;
    this.waiting = null;
    if (waiting) this.#send(waiting.value);
  }

  /** @param {T} value */
  #send(value) {
    this.lastMs = this.clock.now();
    this.deliver(value);
  }
}
