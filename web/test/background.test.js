// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";

import {
  COLORS,
  DEFAULT_COLOR,
  MAX_JPEG_BYTES,
  PICTURE,
  backgroundMessage,
  fittingPicture,
  isLight,
  middleSquare,
} from "../src/background.js";

/** @param {number} bytes */
const picture = (bytes) => `data:image/jpeg;base64,${Buffer.alloc(bytes).toString("base64")}`;

test("colors of the list and the own picture become messages", () => {
  assert.deepEqual(backgroundMessage(DEFAULT_COLOR, ""), { type: "background", kind: "color", color: DEFAULT_COLOR });
  assert.deepEqual(backgroundMessage(PICTURE, picture(3)), { type: "background", kind: "image", jpeg: "AAAA" });
  assert.ok(COLORS.every(({ color }) => /^#[0-9a-f]{6}$/.test(color)));
});

test("what was remembered wrong becomes none", () => {
  for (const choice of ["", "red", "#123456"]) assert.equal(backgroundMessage(choice, picture(3)), null);
  for (const url of ["", "https://example.org/a.jpg", "data:image/png;base64,AAAA", "data:image/jpeg;base64,<>"]) {
    assert.equal(backgroundMessage(PICTURE, url), null);
  }
});

test("a message with the largest picture fits into one of a data channel", () => {
  const message = backgroundMessage(PICTURE, picture(MAX_JPEG_BYTES));
  assert.ok(message && JSON.stringify(message).length < 62_000);
  assert.equal(backgroundMessage(PICTURE, picture(MAX_JPEG_BYTES + 3)), null);
});

test("a picture is made as good as fits", () => {
  /** @type {[number, number][]} */
  const tried = [];
  const url = fittingPicture((sizePx, quality) => {
    tried.push([sizePx, quality]);
    return picture(Math.round(sizePx * sizePx * quality * 0.4));
  });
  assert.equal(tried[0]?.[0], 512);
  assert.ok(tried.length > 1 && backgroundMessage(PICTURE, url ?? ""));
  assert.equal(fittingPicture(() => picture(MAX_JPEG_BYTES)), picture(MAX_JPEG_BYTES));
  assert.equal(fittingPicture(() => picture(1e5)), null);
  assert.equal(fittingPicture(() => "data:,"), null, "a browser that writes no JPEG");
});

test("the middle is kept", () => {
  assert.deepEqual(middleSquare(300, 100), { x: 100, y: 0, side: 100 });
  assert.deepEqual(middleSquare(100, 300), { x: 0, y: 100, side: 100 });
});

test("text on light colors is dark", () => {
  assert.deepEqual(
    COLORS.filter(({ color }) => isLight(color)).map(({ name }) => name),
    ["Light"],
  );
});
