// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";

import {
  FRONT_VIEW,
  LatestThrottle,
  MAX_PITCH,
  MAX_YAW,
  afterKey,
  dragged,
  wheeled,
  zoomed,
} from "../src/view_control.js";

test("the head follows the finger: the camera goes the other way", () => {
  const view = dragged(FRONT_VIEW, 50, 20, 400);
  assert.ok(view.yaw < 0, "drag to the right: camera to the left");
  assert.ok(view.pitch > 0, "drag down: camera up");
  assert.ok(dragged(FRONT_VIEW, 50, 0, 400, true).yaw > 0, "a mirror turns left and right around");
});

test("a drag there and back ends where it began", () => {
  const there = dragged(FRONT_VIEW, 80, -30, 300);
  const back = dragged(there, -80, 30, 300);
  assert.ok(Math.abs(back.yaw) < 1e-12 && Math.abs(back.pitch) < 1e-12);
});

test("the same drag turns a small head further than a large one", () => {
  assert.ok(Math.abs(dragged(FRONT_VIEW, 30, 0, 100).yaw) > Math.abs(dragged(FRONT_VIEW, 30, 0, 400).yaw));
});

test("no gesture leaves the range", () => {
  const far = dragged(FRONT_VIEW, -1e6, 1e6, 100);
  assert.deepEqual([far.yaw, far.pitch], [MAX_YAW, MAX_PITCH]);
  assert.equal(wheeled(zoomed(FRONT_VIEW, 100), 1e9).distance, 2);
  assert.equal(zoomed(FRONT_VIEW, 0.001).distance, 0.6);
});

test("keys turn, zoom and reset; others are left alone", () => {
  assert.ok((afterKey(FRONT_VIEW, "ArrowRight")?.yaw ?? 0) < 0);
  assert.ok((afterKey(FRONT_VIEW, "ArrowLeft")?.yaw ?? 0) > 0);
  assert.ok((afterKey(FRONT_VIEW, "ArrowRight", true)?.yaw ?? 0) > 0);
  assert.ok((afterKey(FRONT_VIEW, "+")?.distance ?? 9) < 1);
  assert.ok((afterKey(FRONT_VIEW, "-")?.distance ?? 0) > 1);
  assert.deepEqual(afterKey({ yaw: 1, pitch: 0.2, distance: 1.5 }, "0"), { yaw: 0, pitch: 0, distance: 1 });
  assert.equal(afterKey(FRONT_VIEW, "m"), null);
});

/** A throttle under a clock of ours. */
function throttleBench() {
  /** @type {number[]} */
  const delivered = [];
  /** @type {{run: () => void, atMs: number}[]} */
  const timers = [];
  const clock = {
    nowMs: 0,
    now: () => clock.nowMs,
    /** @param {() => void} run @param {number} ms */
    setTimer: (run, ms) => timers.push({ run, atMs: clock.nowMs + ms }),
  };
  const throttle = new LatestThrottle((/** @type {number} */ value) => delivered.push(value), 33, clock);
  /** @param {number} ms */
  const advance = (ms) => {
    clock.nowMs += ms;
    for (const timer of timers.splice(0)) timer.atMs <= clock.nowMs ? timer.run() : timers.push(timer);
  };
  return { delivered, throttle, advance };
}

test("the throttle sends the first value at once and then only the newest", () => {
  const { delivered, throttle, advance } = throttleBench();
  throttle.push(1);
  advance(10);
  throttle.push(2);
  throttle.push(3);
  assert.deepEqual(delivered, [1]);
  advance(23);
  assert.deepEqual(delivered, [1, 3]);
  advance(100);
  assert.deepEqual(delivered, [1, 3], "nothing is repeated");
  throttle.push(4);
  assert.deepEqual(delivered, [1, 3, 4]);
});

test("a steady stream passes at the throttle's pace and ends with the last value", () => {
  const { delivered, throttle, advance } = throttleBench();
  for (let value = 0; value < 200; value++) {
    throttle.push(value);
    advance(5);
  }
  advance(100);
  assert.ok(delivered.length <= 1000 / 33 + 2);
  assert.equal(delivered.at(-1), 199);
});
