// SPDX-License-Identifier: Apache-2.0
/**
 * Arithmetic of the atlas: one video that holds every head (docs/protocol.md, Leg).
 *
 * @import {AtlasMessage, AtlasTile} from "./types.js"
 */

/**
 * Sizes that a page asks for, in pixels: few steps, so that dragging a window edge does not re-tile the atlas. The client
 * may give less.
 */
const TILE_SIZES_PX = [128, 192, 256, 384, 512, 768, 1024];

/** The capture-time stamp: 8 x 4 blocks of 8 x 8 pixels in the tile's top left corner. */
const STAMP_COLUMNS = 8;
const STAMP_ROWS = 4;
const STAMP_BLOCK_PX = 8;
export const STAMP_WIDTH_PX = STAMP_COLUMNS * STAMP_BLOCK_PX;
export const STAMP_HEIGHT_PX = STAMP_ROWS * STAMP_BLOCK_PX;

/** Latencies outside of this range mean an unpainted corner, not a slow picture. */
const LATENCY_RANGE_MS = [-5, 10_000];

/**
 * Size to ask for, for a head that is drawn with the given size on screen.
 *
 * @param {number} cssPx side of the square in CSS pixels
 * @param {number} devicePixelRatio values above 2 bring nothing to a soft picture and cost the renderer
 */
export function tileSizePx(cssPx, devicePixelRatio) {
  const wanted = cssPx * Math.min(devicePixelRatio, 2);
  return TILE_SIZES_PX.find((size) => size >= wanted * 0.85) ?? /** @type {number} */ (TILE_SIZES_PX.at(-1));
}

/**
 * Source rectangle of a tile in the video, or null while video and layout message do not belong together: the message
 * comes over the data channel and may be some frames ahead of the picture, or behind it.
 *
 * @param {AtlasTile} tile
 * @param {AtlasMessage} atlas
 * @param {number} videoWidth
 * @param {number} videoHeight
 * @returns {{x: number, y: number, size: number}|null}
 */
export function cropOf(tile, atlas, videoWidth, videoHeight) {
  if (videoWidth === 0 || atlas.width === 0) return null;
  if (videoWidth * atlas.height !== videoHeight * atlas.width) return null;
  const scale = videoWidth / atlas.width;
  return { x: tile.x * scale, y: tile.y * scale, size: tile.size * scale };
}

/**
 * Reads the 32 bit stamp (least significant bit first, bright = 1).
 *
 * @param {Uint8ClampedArray} rgba STAMP_WIDTH_PX x STAMP_HEIGHT_PX pixels
 * @returns {number} Unix milliseconds mod 2^32
 */
export function decodeStamp(rgba) {
  let value = 0;
  for (let bit = 0; bit < STAMP_COLUMNS * STAMP_ROWS; bit++) {
    const x = (bit % STAMP_COLUMNS) * STAMP_BLOCK_PX + STAMP_BLOCK_PX / 2;
    const y = Math.floor(bit / STAMP_COLUMNS) * STAMP_BLOCK_PX + STAMP_BLOCK_PX / 2;
    const green = rgba[(y * STAMP_WIDTH_PX + x) * 4 + 1] ?? 0;
    if (green > 128) value += 2 ** bit;
  }
  return value;
}

/**
 * @param {number} nowMs Unix milliseconds
 * @param {number} stamp of `decodeStamp`
 * @returns {number|null} milliseconds from capture to now; null when the stamp cannot be one
 */
export function latencyMs(nowMs, stamp) {
  const latency = (((nowMs % 2 ** 32) - stamp + 2 ** 32 + 2 ** 31) % 2 ** 32) - 2 ** 31;
  const [least, most] = LATENCY_RANGE_MS;
  return latency >= /** @type {number} */ (least) && latency <= /** @type {number} */ (most) ? latency : null;
}

/**
 * Whether a small thumbnail shows more than the plain background.
 *
 * @param {Uint8ClampedArray} rgba
 */
export function showsHead(rgba) {
  let darkest = 255;
  let brightest = 0;
  for (let index = 1; index < rgba.length; index += 4) {
    const green = /** @type {number} */ (rgba[index]);
    darkest = Math.min(darkest, green);
    brightest = Math.max(brightest, green);
  }
  return brightest - darkest > 24;
}

/**
 * Mean absolute difference of two thumbnails' green channels.
 *
 * @param {Uint8ClampedArray} a
 * @param {Uint8ClampedArray} b same length
 */
export function difference(a, b) {
  let sum = 0;
  for (let index = 1; index < a.length; index += 4) sum += Math.abs((a[index] ?? 0) - (b[index] ?? 0));
  return sum / (a.length / 4);
}
