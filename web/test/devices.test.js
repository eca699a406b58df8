// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";

import { mediaProblemTexts } from "../src/devices.js";

test("no problem needs no words", () => {
  assert.deepEqual(mediaProblemTexts({ camera: null, microphone: null }), []);
});

test("one reason for both devices is said once", () => {
  const texts = mediaProblemTexts({ camera: "NotAllowedError", microphone: "NotAllowedError" });
  assert.equal(texts.length, 1);
  assert.match(texts[0] ?? "", /camera and microphone.*your head will rest/);
});

test("every device's problem tells what follows from it", () => {
  const texts = mediaProblemTexts({ camera: "NotFoundError", microphone: "NotReadableError" });
  assert.deepEqual(texts, [
    "No camera found. You can join without it: your head will rest.",
    "Another program uses the microphone, or it does not answer. You can join without it and listen.",
  ]);
  assert.match(mediaProblemTexts({ camera: "StrangeError", microphone: null })[0] ?? "", /StrangeError/);
});
