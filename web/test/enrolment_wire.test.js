// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";

import { progressOf } from "../src/take_progress.js";
import { WireError, parseUiMessage } from "../src/wire.js";

/** @param {object} message */
const ui = (message) => parseUiMessage(JSON.stringify(message));
const status = { type: "enrolment", state: "working", stage: "training", share: 0.5, text: "" };

test("coverage, progress and own heads are read", () => {
  const coverage = { type: "coverage", shares: { left: 2, up: 0.5 }, missing: ["up", 7], hints: ["Too dark."] };
  assert.deepEqual(ui(coverage), {
    type: "coverage",
    shares: { left: 1, up: 0.5 },
    missing: ["up"],
    hints: ["Too dark."],
  });
  assert.deepEqual(ui({ ...status, share: 7, eta_s: null, avatar_id: "ab", psnr_db: 30.5 }), {
    type: "enrolment",
    state: "working",
    received: 0,
    ahead: 0,
    stage: "training",
    share: 1,
    eta_s: null,
    psnr_db: 30.5,
    avatar_id: "ab",
    text: "",
  });
  const mine = { type: "mine", avatar_id: "ab", key: "cd", here: true };
  assert.deepEqual(ui(mine), { ...mine, kept: false, replaces: null });
});

test("broken ones are refused", () => {
  for (const message of [
    { ...status, state: "asleep" },
    { ...status, stage: null },
    { ...status, eta_s: "soon" },
    { ...status, avatar_id: 7 },
    { type: "coverage", shares: { left: "much" }, missing: [], hints: [] },
    { type: "coverage", shares: [], missing: [], hints: [] },
    { type: "mine", avatar_id: "ab" },
  ]) {
    assert.throws(() => ui(message), WireError, JSON.stringify(message));
  }
});

test("progress in words", () => {
  const upload = { totalBytes: 4_000_000 };
  const at = (/** @type {object} */ more) => {
    const message = ui({ ...status, ...more });
    return progressOf(message?.type === "enrolment" ? message : null, upload);
  };
  assert.deepEqual(progressOf(null, null), {
    share: null,
    text: "Sending your recording · 0.0 of 0.0 MB",
    warning: "",
    isDone: false,
  });
  assert.equal(at({ state: "receiving", received: 1_000_000 }).share, 0.25);
  assert.equal(at({ state: "queued", ahead: 1 }).text, "One person comes first.");
  assert.equal(at({ state: "queued", ahead: 3 }).text, "3 people come first.");
  assert.equal(at({ eta_s: 42, text: "Dark." }).text, "Training · 50 % · about 45 s left");
  assert.equal(at({ text: "Dark." }).warning, "Dark.");
  assert.equal(at({ state: "done" }).isDone, true);
});
