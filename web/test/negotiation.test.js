// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";

import { Negotiation, offersVoice } from "../src/negotiation.js";

/** @import {SignalData} from "../src/types.js" */

/** @param {number} session @param {"offer"|"answer"} type @returns {SignalData} */
const description = (session, type) => ({ kind: "leg", session, description: { type, sdp: "v=0" } });
/** @param {number} session @returns {SignalData} */
const candidate = (session) => ({ kind: "leg", session, candidate: null });
/** @param {number} session @returns {SignalData} */
const request = (session) => ({ kind: "voice", session, request: true });

test("the later comer calls, and pages call bots", () => {
  assert.equal(offersVoice({ order: 2 }, { order: 1, kind: "browser" }), true);
  assert.equal(offersVoice({ order: 1 }, { order: 2, kind: "browser" }), false);
  assert.equal(offersVoice({ order: 1 }, { order: 2, kind: "bot" }), true);
});

test("exactly one of two pages offers", () => {
  for (const [a, b] of /** @type {[number, number][]} */ ([
    [1, 2],
    [7, 3],
  ])) {
    const first = offersVoice({ order: a }, { order: b, kind: "browser" });
    assert.notEqual(first, offersVoice({ order: b }, { order: a, kind: "browser" }));
  }
});

test("sessions grow and messages of other sessions are dropped", () => {
  const negotiation = new Negotiation({ offering: true, firstSession: 10 });
  assert.equal(negotiation.begin(0), 10);
  assert.equal(negotiation.begin(9_000), 11);
  assert.equal(negotiation.receive(description(10, "answer"), 9_001).action, "drop");
  assert.equal(negotiation.receive(candidate(10), 9_001).action, "drop");
  assert.equal(negotiation.receive(description(11, "answer"), 9_001).action, "apply");
  assert.deepEqual(negotiation.receive(candidate(11), 9_001), { action: "candidate", candidate: null });
});

test("an answering side follows newer offers only", () => {
  const negotiation = new Negotiation({ offering: false });
  negotiation.expect(0);
  assert.equal(negotiation.receive(description(5, "offer"), 1).action, "apply");
  assert.equal(negotiation.receive(description(5, "offer"), 2).action, "drop");
  assert.equal(negotiation.receive(description(4, "offer"), 2).action, "drop");
  assert.equal(negotiation.receive(candidate(5), 2).action, "candidate");
  assert.equal(negotiation.receive(description(6, "offer"), 3).action, "apply");
  assert.equal(negotiation.receive(candidate(5), 4).action, "drop");
});

test("an offer to the offering side and an answer to the answering side are dropped", () => {
  const offering = new Negotiation({ offering: true });
  offering.begin(0);
  assert.equal(offering.receive(description(99, "offer"), 1).action, "drop");
  const answering = new Negotiation({ offering: false });
  assert.equal(answering.receive(description(0, "answer"), 1).action, "drop");
  assert.throws(() => answering.begin(0));
});

test("unfinished set-up is repeated, each time more patiently, and success resets the patience", () => {
  const negotiation = new Negotiation({ offering: true });
  negotiation.begin(0);
  assert.equal(negotiation.due(7_999), null);
  assert.equal(negotiation.due(8_000), "begin");
  negotiation.begin(8_000);
  assert.equal(negotiation.due(16_000), null);
  assert.equal(negotiation.due(24_000), "begin");
  negotiation.begin(24_000);
  negotiation.connectionChanged("connected", 25_000);
  assert.equal(negotiation.due(1e9), null);
  negotiation.connectionChanged("failed", 30_000);
  assert.equal(negotiation.due(30_000), "begin");
});

test("a disconnected link has three seconds to recover", () => {
  const negotiation = new Negotiation({ offering: true });
  negotiation.begin(0);
  negotiation.connectionChanged("connected", 100);
  negotiation.connectionChanged("disconnected", 1_000);
  assert.equal(negotiation.due(3_999), null);
  negotiation.connectionChanged("connected", 3_999);
  assert.equal(negotiation.due(4_000), null);
  negotiation.connectionChanged("disconnected", 5_000);
  assert.equal(negotiation.due(8_000), "begin");
});

test("attempts that fail at once are spaced out", () => {
  const negotiation = new Negotiation({ offering: true });
  negotiation.begin(0);
  negotiation.connectionChanged("failed", 10);
  assert.equal(negotiation.due(999), null);
  assert.equal(negotiation.due(1_000), "begin");
});

test("the answering side asks for a new session, again after each time-out", () => {
  const negotiation = new Negotiation({ offering: false });
  negotiation.expect(0);
  assert.equal(negotiation.due(8_000), "request");
  assert.equal(negotiation.due(8_001), null);
  assert.equal(negotiation.due(24_000), "request");
});

test("requests start a session above the number that the other side has seen, but not in a loop", () => {
  const negotiation = new Negotiation({ offering: true });
  negotiation.begin(0);
  negotiation.connectionChanged("connected", 100);
  assert.equal(negotiation.receive(request(1), 500).action, "drop", "just begun");
  assert.equal(negotiation.receive(request(40), 600).action, "begin", "my number was too low for the other side");
  assert.equal(negotiation.begin(600), 41);
  assert.equal(negotiation.receive(request(40), 7_000).action, "drop", "the attempt for it runs");
  assert.equal(new Negotiation({ offering: false }).receive(request(1), 0).action, "drop");
});

test("at rest nothing is ever due", () => {
  const negotiation = new Negotiation({ offering: true });
  negotiation.begin(0);
  negotiation.rest();
  assert.equal(negotiation.due(1e9), null);
});

test("an attempt that nobody answers is noticed once, an answered one never", () => {
  const negotiation = new Negotiation({ offering: true });
  negotiation.begin(0);
  assert.equal(negotiation.takeSilence(7_999), false);
  assert.equal(negotiation.takeSilence(8_000), true);
  assert.equal(negotiation.takeSilence(8_500), false);
  assert.equal(negotiation.due(8_500), "begin", "the next attempt is due all the same");
  negotiation.begin(9_000);
  negotiation.receive(description(1, "answer"), 9_100); // of the former session
  assert.equal(negotiation.takeSilence(25_000), true);
  negotiation.begin(30_000);
  negotiation.receive(description(3, "answer"), 30_100);
  assert.equal(negotiation.takeSilence(90_000), false);
});
