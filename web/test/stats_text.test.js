// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";

import { peerLines } from "../src/ui/stats_text.js";
import { parseUiMessage } from "../src/wire.js";

/** @param {object} figures */
function linesOf(figures) {
  const peer = { member_id: "a", state: "live", avatar: "own", ...figures };
  const message = parseUiMessage(JSON.stringify({ type: "peers", peers: [peer] }));
  assert.ok(message?.type === "peers" && message.peers[0]);
  return peerLines(message.peers[0]).split("\n");
}

test("losses and the wait for smooth showing are told", () => {
  const lines = linesOf({ loss_pct_in: 9.6, loss_pct_out: 0, playout_ms: 43.4, rate_step: 0 });
  assert.deepEqual(lines.slice(-2), ["lost  10 % in, 0 % out", "wait  43 ms"]);
});

test("a slow link is told, and what an older client does not say is nothing", () => {
  assert.equal(linesOf({ rate_step: 3 }).at(-1), "wait  0 ms, slow link 3");
});
