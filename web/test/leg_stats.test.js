// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";

import { LegStatsReader } from "../src/leg_stats.js";

/** @param {number} bytes @param {number} delay @param {number} emitted */
const reports = (bytes, delay, emitted) => [
  {
    type: "inbound-rtp",
    kind: "video",
    id: "in",
    frameWidth: 512,
    frameHeight: 256,
    framesPerSecond: 25,
    bytesReceived: bytes,
    jitterBufferDelay: delay,
    jitterBufferEmittedCount: emitted,
  },
  { type: "outbound-rtp", kind: "video", id: "out", bytesSent: bytes * 2 },
  { type: "candidate-pair", id: "pair", nominated: true, currentRoundTripTime: 0.012 },
];

test("rates come from the growth between two readings", () => {
  const reader = new LegStatsReader();
  const first = reader.read(reports(10_000, 1, 100), 1_000);
  assert.equal(first.atlasKbps, 0, "one reading has no rate");
  const second = reader.read(reports(135_000, 1.5, 125), 2_000);
  assert.equal(second.atlasKbps, 1_000);
  assert.equal(second.cameraKbps, 2_000);
  assert.equal(second.bufferMs, 20);
  assert.equal(second.roundTripMs, 12);
  assert.deepEqual([second.atlasWidth, second.atlasHeight, second.atlasFps], [512, 256, 25]);
});
