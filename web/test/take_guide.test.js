// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";

import { METERS, STEPS, TakeGuide, stepsFor } from "../src/take_guide.js";

const step = (/** @type {string} */ id, /** @type {number} */ seconds) => ({
  id,
  title: `Do ${id}`,
  detail: "",
  sign: "",
  seconds,
  covers: [],
});

test("the steps take half a minute to a minute, with what may be asked for again", () => {
  const seconds = STEPS.reduce((sum, { seconds }) => sum + seconds, 0);
  assert.ok(seconds >= 25 && seconds <= 45, `${seconds} s`);
  const all = METERS.flatMap(({ names }) => names);
  const again = stepsFor(all).reduce((sum, { seconds }) => sum + seconds, 0);
  assert.ok(seconds + again <= 60, `${seconds + again} s`);
});

test("each meter has a step that fills it, and each step at most asks for what a meter shows", () => {
  const all = METERS.flatMap(({ names }) => names).sort();
  assert.deepEqual(STEPS.flatMap(({ covers }) => covers).sort(), all);
});

test("a guide goes through its steps by the clock", () => {
  const guide = new TakeGuide([step("a", 4), step("b", 2)]);
  guide.run(1000);
  assert.equal(guide.at(1000)?.step.id, "a");
  assert.equal(guide.at(3000)?.share, 0.5);
  assert.equal(guide.at(3000)?.leftS, 4);
  assert.deepEqual([guide.at(5500)?.step.id, guide.at(5500)?.index, guide.at(5500)?.share], ["b", 1, 0.25]);
  assert.equal(guide.at(7000), null);
});

test("a pause stops the clock", () => {
  const guide = new TakeGuide([step("a", 4)]);
  guide.run(0);
  guide.pause(1000);
  assert.ok(guide.isPaused);
  assert.equal(guide.at(60_000)?.share, 0.25);
  guide.run(60_000);
  guide.run(60_500); // pressing twice changes nothing
  assert.equal(guide.at(62_000)?.share, 0.75);
});

test("what is missing is asked for once more, after the rest", () => {
  const again = stepsFor(["tilt_left", "up", "invented_later"]);
  assert.deepEqual(
    again.map(({ id }) => id),
    ["up", "tilt"],
  );
  assert.match(again[0]?.title ?? "", /^Once more: lift your chin/);
  assert.deepEqual(stepsFor([]), []);
  const guide = new TakeGuide([step("a", 1)]);
  guide.run(0);
  assert.equal(guide.at(1500), null);
  guide.extend(again);
  assert.equal(guide.at(1500)?.step.id, "up");
});

test("a guide in a hurry takes all steps, quicker", () => {
  const guide = new TakeGuide([step("a", 4), step("b", 4)], 4);
  guide.run(0);
  assert.equal(guide.at(999)?.step.id, "a");
  assert.equal(guide.at(1001)?.step.id, "b");
  assert.equal(guide.at(2001), null);
});
