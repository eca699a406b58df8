// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";

import { eyeBoxes } from "../src/stereo.js";

const SCREENS = /** @type {const} */ ([[1920, 1080], [3840, 1080], [800, 1200], [1000, 500]]);

test("both eyes are in the middle of their halves, the same size, and inside", () => {
  for (const [width, height] of SCREENS) {
    for (const format of /** @type {const} */ (["full", "half"])) {
      const [left, right] = eyeBoxes(width, height, format);
      assert.equal(left.x + left.width / 2, width / 4);
      assert.deepEqual({ ...right, x: right.x - width / 2 }, left);
      assert.ok(left.x >= 0 && left.y >= 0 && left.y + left.height <= height);
      assert.equal(left.y, (height - left.height) / 2);
    }
  }
});

test("each eye sees a square once the display has done its part", () => {
  for (const [width, height] of SCREENS) {
    const [full] = eyeBoxes(width, height, "full");
    assert.equal(full.width, full.height);
    const [half] = eyeBoxes(width, height, "half");
    assert.equal(2 * half.width, half.height);
    assert.equal(Math.max(half.height / height, half.width / (width / 2)), 1, "as large as fits");
    assert.equal(Math.max(full.height / height, full.width / (width / 2)), 1);
  }
});
