// SPDX-License-Identifier: Apache-2.0
/** Pictures of the person's own: from a file to what a client takes, and their color on average. */

import { fittingPicture, middleSquare } from "../background.js";

/**
 * The middle of a picture as a small JPEG.
 *
 * @param {Blob} file
 * @returns {Promise<string|null>} data address; null: the browser cannot read the file
 */
export async function readPicture(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    return null;
  }
  const { x, y, side } = middleSquare(bitmap.width, bitmap.height);
  const url = fittingPicture((sizePx, quality) => {
    const { canvas, context } = squareCanvas(sizePx);
    context.fillRect(0, 0, sizePx, sizePx); // behind what is transparent
    context.drawImage(bitmap, x, y, side, side, 0, 0, sizePx, sizePx);
    return canvas.toDataURL("image/jpeg", quality);
  });
  bitmap.close();
  return url;
}

/**
 * @param {string} url data address of a picture
 * @returns {Promise<string|null>} `#rrggbb`; null: it is no picture
 */
export async function averageColor(url) {
  const image = new Image();
  image.src = url;
  try {
    await image.decode();
  } catch {
    return null;
  }
  const { context } = squareCanvas(8);
  context.drawImage(image, 0, 0, 8, 8);
  const pixels = context.getImageData(0, 0, 8, 8).data;
  const mean = [0, 1, 2].map((channel) => {
    let sum = 0;
    for (let index = channel; index < pixels.length; index += 4) sum += pixels[index] ?? 0;
    return Math.round(sum / 64);
  });
  return `#${mean.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

/** @param {number} sizePx */
function squareCanvas(sizePx) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = sizePx;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.imageSmoothingQuality = "high";
  return { canvas, context };
}
