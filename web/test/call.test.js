// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { Call } from "../src/call.js";
import { Devices } from "../src/devices.js";

/** @import {Member} from "../src/types.js" */

beforeEach(() => mock.timers.enable({ apis: ["setInterval", "setTimeout"] }));
afterEach(() => mock.timers.reset());

const settled = () => new Promise((resolve) => setImmediate(resolve));

/** @param {Partial<Member>} [fields] @returns {Member} */
const member = (fields = {}) => ({
  member_id: "m1",
  name: "Ada",
  avatar_id: null,
  kind: "browser",
  order: 1,
  muted: true,
  camera_on: false,
  ...fields,
});

/** A call without devices, and a server in the test's hands that has no hosted client. */
class Bench {
  constructor() {
    this.sockets = 0;
    /** @type {any[]} */
    this.sent = [];
    /** @type {any} */
    this.socket = null;
    /** @type {string[]} */
    this.refusals = [];
    this.call = new Call({
      room: "lobby",
      devices: new Devices({ cameraId: "", microphoneId: "", speakerId: "" }),
      createSocket: () => {
        this.sockets += 1;
        this.socket = { send: (/** @type {string} */ text) => this.sent.push(JSON.parse(text)), close: () => {} };
        return this.socket;
      },
      getToken: async () => "token",
      onAtlas: () => {},
      onText: () => {},
      onSoundBlocked: () => {},
      onRefused: (error) => this.refusals.push(error.errorCode),
    });
  }

  /** @param {object} message */
  receive(message) {
    this.socket.onmessage({ data: JSON.stringify(message) });
  }

  /** @param {"none"|"ready"} [hosted] */
  welcome(hosted = "none") {
    const common = { version: 1, member_id: "m1", room: "lobby", ice_servers: [], resume_token: "resume" };
    this.receive({ type: "welcome", ...common, hosted });
  }

  /** Presses Join, up to the message that asks to enter. */
  async askIn() {
    this.call.join("Ada");
    await settled();
    this.welcome();
    assert.equal(this.sent.at(-1).type, "join");
  }

  async enter() {
    await this.askIn();
    this.receive({ type: "joined", member: member(), members: [], resume_token: null });
    assert.equal(this.call.state.phase, "meeting");
  }
}

test("a room that has become full while the server was away ends the meeting with its sentence", async () => {
  for (const code of ["room_full", "not_joined"]) {
    const bench = new Bench();
    await bench.enter();
    bench.call.signaling.reconnect();
    bench.welcome();
    bench.receive({ type: "error", error_code: code, detail: "This room is full.", fatal: false });
    assert.equal(bench.call.state.phase, "left");
    assert.equal(bench.call.state.farewell, "This room is full.");
    assert.equal(bench.call.signaling.state, "closed");
  }
});

test("a full room leaves a newcomer on the join screen", async () => {
  const bench = new Bench();
  await bench.askIn();
  bench.receive({ type: "error", error_code: "room_full", detail: "This room is full.", fatal: false });
  assert.equal(bench.call.state.phase, "join");
  assert.equal(bench.call.state.failure, "This room is full.");
  assert.equal(bench.call.signaling.state, "open");
});

test("what changed between join and joined is said afterwards", async () => {
  const bench = new Bench();
  await bench.askIn();
  bench.call.chooseAvatar("a".repeat(64));
  bench.receive({ type: "joined", member: member({ muted: false }), members: [], resume_token: null });
  const updates = bench.sent.filter((message) => message.type === "update");
  assert.deepEqual(updates, [
    { type: "update", muted: true, camera_on: false },
    { type: "update", avatar_id: "a".repeat(64) },
  ]);
});

test("a member that the server knows as it is says nothing more", async () => {
  const bench = new Bench();
  await bench.enter();
  assert.deepEqual(
    bench.sent.filter((message) => message.type === "update"),
    [],
  );
});

test("a place that was given up in the lobby is told, and Join takes another", async () => {
  const bench = new Bench();
  bench.call.connect();
  await settled();
  bench.welcome();
  bench.receive({ type: "error", error_code: "not_joined", detail: "You waited for long.", fatal: true });
  assert.deepEqual(bench.refusals, ["not_joined"]);
  assert.equal(bench.call.state.failure, "You waited for long.");
  await bench.enter();
});

test("a leg that nobody answers takes a new socket once for each attempt, and resumes", async (t) => {
  let nowMs = 0;
  t.mock.method(performance, "now", () => nowMs);
  const refuse = class {
    constructor() {
      throw new Error("no connection in this test");
    }
  };
  Object.defineProperty(globalThis, "RTCPeerConnection", { value: refuse, configurable: true });
  t.after(() => Reflect.deleteProperty(globalThis, "RTCPeerConnection"));
  const bench = new Bench();
  bench.call.connect();
  await settled();
  bench.welcome("ready");
  const elapse = (/** @type {number} */ ms) => {
    nowMs += ms;
    mock.timers.tick(500); // one tick of the call
  };
  elapse(7_900);
  assert.equal(bench.sockets, 1);
  elapse(100);
  assert.equal(bench.sockets, 2);
  const session = bench.call.leg.link.negotiation.session;
  bench.welcome("ready");
  elapse(500);
  assert.equal(bench.sockets, 2);
  assert.equal(bench.call.leg.link.negotiation.session, session + 1, "the next attempt goes through the new socket");
  elapse(16_000);
  assert.equal(bench.sockets, 3);
});
