// SPDX-License-Identifier: Apache-2.0
/**
 * Arithmetic of the 3D picture: where the two eyes' pictures stand on a screen.
 *
 * @typedef {"full"|"half"} StereoFormat `full`: each half of the screen is a picture of its own (headsets, glasses, the
 *   bare eye); `half`: the display stretches each half to the whole screen (3D televisions and monitors)
 * @typedef {{x: number, y: number, width: number, height: number}} Box
 */

/**
 * Each eye's picture is in the middle of its half of the screen, so that nothing but the cameras shifts one against the
 * other; in the end each is a square.
 *
 * @param {number} width of the screen
 * @param {number} height of the screen
 * @param {StereoFormat} format
 * @returns {[Box, Box]} left, right; same unit
 */
export function eyeBoxes(width, height, format) {
  const stretch = format === "half" ? 2 : 1; // that the display will do
  const side = Math.min((stretch * width) / 2, height);
  const box = (/** @type {number} */ center) => ({
    x: Math.round(center - side / stretch / 2),
    y: Math.round((height - side) / 2),
    width: Math.round(side / stretch),
    height: Math.round(side),
  });
  return [box(width / 4), box((3 * width) / 4)];
}
