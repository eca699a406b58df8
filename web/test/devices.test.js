// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";

import { Devices, mediaProblemTexts } from "../src/devices.js";

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

/** A browser whose devices open when the test says so. */
class Bench {
  constructor() {
    /** @type {{kinds: string[], grant: () => void, refuse: (name: string) => void}[]} */
    this.questions = [];
    const getUserMedia = (/** @type {Record<string, unknown>} */ constraints) =>
      new Promise((resolve, reject) => {
        const kinds = Object.keys(constraints);
        this.questions.push({
          kinds,
          grant: () => resolve({ getTracks: () => kinds.map((kind) => new FakeTrack(kind)) }),
          refuse: (name) => reject(Object.assign(new Error(name), { name })),
        });
      });
    Object.defineProperty(globalThis, "navigator", { value: { mediaDevices: { getUserMedia } }, configurable: true });
    this.devices = new Devices({ cameraId: "", microphoneId: "", speakerId: "" });
  }

  /** The newest question to the person. */
  get question() {
    return /** @type {{kinds: string[], grant: () => void, refuse: (name: string) => void}} */ (this.questions.at(-1));
  }
}

class FakeTrack {
  /** @param {string} kind */
  constructor(kind) {
    this.kind = kind;
    this.readyState = "live";
  }

  stop() {
    this.readyState = "ended";
  }
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test("a device that was closed while the pair was asked for is not opened afterwards", async () => {
  const bench = new Bench();
  const opening = bench.devices.openBoth();
  bench.devices.close("camera");
  bench.devices.close("microphone");
  bench.question.refuse("NotFoundError");
  await opening;
  assert.equal(bench.questions.length, 1);
});

test("of a pair that is not to be had each is asked for alone, unless it was closed meanwhile", async () => {
  const bench = new Bench();
  const opening = bench.devices.openBoth();
  bench.question.refuse("NotFoundError");
  await settled();
  assert.deepEqual(bench.question.kinds, ["video"]);
  bench.devices.close("microphone");
  bench.question.grant();
  await opening;
  assert.equal(bench.questions.length, 2);
  assert.notEqual(bench.devices.camera, null);
});

test("a device that cannot be opened leaves the one before it on", async () => {
  const bench = new Bench();
  const first = bench.devices.open("camera");
  bench.question.grant();
  await first;
  const track = bench.devices.camera;
  const second = bench.devices.open("camera");
  bench.question.refuse("NotReadableError");
  assert.equal(await second, true);
  assert.equal(bench.devices.camera, track);
  assert.equal(track?.readyState, "live");
  assert.equal(bench.devices.problems.camera, "NotReadableError");
});

test("what follows from a problem depends on where the person is", () => {
  const problems = { camera: "NotFoundError", microphone: null };
  assert.deepEqual(mediaProblemTexts(problems, { inMeeting: true }), ["No camera found. Your head rests."]);
  assert.match(mediaProblemTexts(problems, { kept: ["camera"] })[0] ?? "", /before stays on/);
});
