// SPDX-License-Identifier: Apache-2.0
/**
 * What stands behind the heads: a color of the list, or the person's own picture.
 *
 * @import {BackgroundMessage} from "./types.js"
 */

/** The first one is what a client paints by itself (client/view/head_view.py). */
export const COLORS = /** @type {const} */ ([
  { color: "#20242c", name: "Slate" },
  { color: "#060708", name: "Black" },
  { color: "#e8e5df", name: "Light" },
  { color: "#35564a", name: "Green" },
  { color: "#334d78", name: "Blue" },
  { color: "#6d4638", name: "Clay" },
]);
export const DEFAULT_COLOR = COLORS[0].color;
/** Stands for the own picture where a color could be. */
export const PICTURE = "picture";

/** Base64 of a JPEG, as canvases give it. */
const JPEG_URL = /^data:image\/jpeg;base64,([A-Za-z0-9+/]+={0,2})$/;
/** A client takes 46,000 bytes (docs/protocol.md). */
export const MAX_JPEG_BYTES = 45_000;
export const PICTURE_PX = 512;

/** What to try until a picture is small enough: the best first. */
const ATTEMPTS = [
  { sizePx: PICTURE_PX, quality: 0.9 },
  { sizePx: PICTURE_PX, quality: 0.75 },
  { sizePx: PICTURE_PX, quality: 0.55 },
  { sizePx: 384, quality: 0.6 },
  { sizePx: 256, quality: 0.5 },
  { sizePx: 256, quality: 0.2 },
];

/**
 * @param {string} choice a color of the list, or `PICTURE`
 * @param {string} pictureUrl of `fittingPicture`, or empty
 * @returns {BackgroundMessage|null} null: neither is usable
 */
export function backgroundMessage(choice, pictureUrl) {
  if (choice !== PICTURE) {
    return COLORS.some(({ color }) => color === choice) ? { type: "background", kind: "color", color: choice } : null;
  }
  const jpeg = jpegOf(pictureUrl);
  return jpeg === null ? null : { type: "background", kind: "image", jpeg };
}

/** Base64 of a picture that may be sent, or null. @param {string} pictureUrl */
export function jpegOf(pictureUrl) {
  const jpeg = JPEG_URL.exec(pictureUrl)?.[1];
  return jpeg !== undefined && (jpeg.length * 3) / 4 <= MAX_JPEG_BYTES ? jpeg : null;
}

/**
 * The best encoding that may be sent.
 *
 * @param {(sizePx: number, quality: number) => string} encode gives a JPEG data address
 * @returns {string|null} null: none is small enough, or the browser writes no JPEG
 */
export function fittingPicture(encode) {
  for (const { sizePx, quality } of ATTEMPTS) {
    const url = encode(sizePx, quality);
    if (jpegOf(url) !== null) return url;
  }
  return null;
}

/**
 * The largest square in the middle of a picture.
 *
 * @param {number} width @param {number} height
 * @returns {{x: number, y: number, side: number}}
 */
export function middleSquare(width, height) {
  const side = Math.min(width, height);
  return { x: (width - side) / 2, y: (height - side) / 2, side };
}

/** Whether text on this color is to be dark. @param {string} color `#rrggbb` */
export function isLight(color) {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
  return 0.299 * red + 0.587 * green + 0.114 * blue > 140;
}
