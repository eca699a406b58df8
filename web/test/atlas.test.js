// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";

import {
  STAMP_HEIGHT_PX,
  STAMP_WIDTH_PX,
  cropOf,
  decodeStamp,
  difference,
  latencyMs,
  showsHead,
  tileSizePx,
} from "../src/atlas.js";
import { gridLayout } from "../src/layout.js";

/** @param {number} width @param {number} height @returns {import("../src/types.js").AtlasMessage} */
const atlas = (width, height) => ({ type: "atlas", width, height, tiles: [] });
const tile = { member_id: "a", x: 256, y: 0, size: 256 };

/** @param {number} value @returns {Uint8ClampedArray} RGBA as a decoder of the video would give it */
function paintedStamp(value) {
  const rgba = new Uint8ClampedArray(STAMP_WIDTH_PX * STAMP_HEIGHT_PX * 4);
  for (let y = 0; y < STAMP_HEIGHT_PX; y++) {
    for (let x = 0; x < STAMP_WIDTH_PX; x++) {
      const bit = Math.floor(y / 8) * 8 + Math.floor(x / 8);
      const bright = Math.floor(value / 2 ** bit) % 2 === 1;
      rgba.fill(bright ? 228 : 24, (y * STAMP_WIDTH_PX + x) * 4, (y * STAMP_WIDTH_PX + x) * 4 + 3);
    }
  }
  return rgba;
}

test("a tile is cut out of the video, also of a scaled one", () => {
  assert.deepEqual(cropOf(tile, atlas(512, 256), 512, 256), { x: 256, y: 0, size: 256 });
  assert.deepEqual(cropOf(tile, atlas(512, 256), 256, 128), { x: 128, y: 0, size: 128 });
});

test("nothing is drawn while video and layout differ in shape", () => {
  assert.equal(cropOf(tile, atlas(512, 256), 512, 512), null);
  assert.equal(cropOf(tile, atlas(512, 256), 0, 0), null);
  assert.equal(cropOf(tile, atlas(0, 0), 512, 256), null);
});

test("tile sizes come in few steps and never exceed the largest", () => {
  assert.equal(tileSizePx(64, 1), 128);
  assert.equal(tileSizePx(200, 1), 192);
  assert.equal(tileSizePx(320, 1), 384);
  assert.equal(tileSizePx(200, 3), 384, "a phone's three device pixels count as two");
  assert.equal(tileSizePx(5_000, 2), 1024);
});

test("stamps survive the way through a picture", () => {
  for (const value of [0, 1, 0x80000000, 0xdeadbeef, 0xffffffff]) {
    assert.equal(decodeStamp(paintedStamp(value)), value);
  }
});

test("latency is taken mod 2^32 and impossible ones are refused", () => {
  const captured = 1_795_000_000_000;
  assert.equal(latencyMs(captured + 42, captured % 2 ** 32), 42);
  assert.equal(latencyMs(5, 2 ** 32 - 10), 15, "across the wrap");
  assert.equal(latencyMs(captured, (captured + 3) % 2 ** 32), -3, "clocks are rounded");
  assert.equal(latencyMs(captured + 60_000, captured % 2 ** 32), null);
});

test("plain background is no head, and a resting head does not move", () => {
  const plain = new Uint8ClampedArray(64).fill(36);
  const head = plain.map((value, index) => (index > 32 ? 180 : value));
  assert.equal(showsHead(plain), false);
  assert.equal(showsHead(head), true);
  assert.equal(difference(head, head), 0);
  assert.ok(difference(head, plain) > 10);
});

test("the grid makes heads as large as the stage allows", () => {
  assert.deepEqual(gridLayout(1, 1280, 640, 12), {
    columns: 1,
    rows: 1,
    tileWidth: 1280,
    tileHeight: 640,
    headSize: 640,
  });
  assert.equal(gridLayout(2, 1280, 640, 12).columns, 2);
  assert.equal(gridLayout(2, 390, 760, 8).columns, 1);
  assert.equal(gridLayout(4, 1280, 640, 12).columns, 2);
  assert.equal(gridLayout(5, 1280, 640, 12).columns, 3);
});

test("no grid overflows its stage", () => {
  for (let count = 1; count <= 16; count++) {
    for (const [width, height] of /** @type {[number, number][]} */ ([
      [1256, 632],
      [374, 760],
      [600, 600],
    ])) {
      const { columns, rows, tileWidth, tileHeight } = gridLayout(count, width, height, 10);
      assert.ok(columns * rows >= count);
      assert.ok(columns * tileWidth + (columns - 1) * 10 <= width);
      assert.ok(rows * tileHeight + (rows - 1) * 10 <= height);
    }
  }
});
