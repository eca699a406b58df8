// SPDX-License-Identifier: Apache-2.0
/** Arithmetic of the meeting grid. */

/** Heads are square, so a tile much wider or taller than that shows nothing but background. */
const MAX_WIDTH_PER_HEAD = 2;
const MAX_HEIGHT_PER_HEAD = 1.25;

/**
 * The grid that shows `count` square heads as large as possible.
 *
 * @param {number} count tiles, at least 1
 * @param {number} width of the stage
 * @param {number} height of the stage
 * @param {number} gap between tiles
 * @returns {{columns: number, rows: number, tileWidth: number, tileHeight: number, headSize: number}} same unit
 */
export function gridLayout(count, width, height, gap) {
  let best = null;
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns);
    const cellWidth = Math.max(1, (width - gap * (columns - 1)) / columns);
    const cellHeight = Math.max(1, (height - gap * (rows - 1)) / rows);
    const headSize = Math.min(cellWidth, cellHeight);
    if (best && headSize <= best.headSize) continue;
    best = {
      columns,
      rows,
      tileWidth: Math.floor(Math.min(cellWidth, headSize * MAX_WIDTH_PER_HEAD)),
      tileHeight: Math.floor(Math.min(cellHeight, headSize * MAX_HEIGHT_PER_HEAD)),
      headSize,
    };
  }
  if (!best) throw new RangeError(`a grid of ${count} tiles`);
  return best;
}
