// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { PeerLink } from "../src/peer_link.js";

afterEach(() => Reflect.deleteProperty(globalThis, "RTCPeerConnection"));

test("a browser that refuses a connection costs one attempt and throws at nobody", () => {
  const refuse = class {
    constructor() {
      throw new SyntaxError("'nonsense' is no ICE server");
    }
  };
  Object.defineProperty(globalThis, "RTCPeerConnection", { value: refuse, configurable: true });
  /** @type {string[]} */
  const states = [];
  /** @param {boolean} offering */
  const link = (offering) =>
    new PeerLink({
      kind: "voice",
      offering,
      iceServers: () => [],
      send: () => assert.fail("there is nothing to say"),
      prepare: () => assert.fail("there is no connection to prepare"),
      onTrack: () => {},
      onState: (state) => states.push(state),
    });
  const offering = link(true);
  offering.start();
  assert.equal(offering.failures, 1);
  assert.notEqual(offering.negotiation.deadlineMs, null, "another attempt follows");
  const answering = link(false);
  answering.handle({ kind: "voice", session: 1, description: { type: "offer", sdp: "v=0" } });
  assert.equal(answering.failures, 1);
  assert.notEqual(answering.negotiation.deadlineMs, null);
  assert.deepEqual(states, ["connecting", "connecting"]);
});
