// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";

import { ServerRefusal, SignalingClient, retryDelayMs } from "../src/signaling.js";

/** A socket, a server and a clock in the test's hands. */
class Bench {
  constructor() {
    /** @type {FakeSocket[]} */
    this.sockets = [];
    /** @type {{run: () => void, ms: number}[]} */
    this.timers = [];
    /** @type {any[]} */
    this.messages = [];
    /** @type {string[]} */
    this.states = [];
    /** @type {ServerRefusal[]} */
    this.refusals = [];
    this.tokens = 0;
    /** @type {Error|null} */
    this.tokenError = null;
    this.client = new SignalingClient({
      createSocket: () => {
        const socket = new FakeSocket();
        this.sockets.push(socket);
        return socket;
      },
      getToken: async () => {
        if (this.tokenError) throw this.tokenError;
        return `join-${++this.tokens}`;
      },
      onMessage: (message) => this.messages.push(message),
      onState: (state) => this.states.push(state),
      onRefused: (error) => this.refusals.push(error),
      setTimer: (run, ms) => {
        const timer = { run, ms };
        this.timers.push(timer);
        return timer;
      },
      clearTimer: (timer) => {
        this.timers = this.timers.filter((other) => other !== timer);
      },
      random: () => 1,
    });
  }

  get socket() {
    return /** @type {FakeSocket} */ (this.sockets.at(-1));
  }

  /** Connects up to `welcome`. @param {string} [resumeToken] */
  async open(resumeToken = "resume-1") {
    await settled();
    this.socket.onopen?.({});
    this.socket.receive(welcome(resumeToken));
  }

  /** Runs the only timer. */
  async elapse() {
    assert.equal(this.timers.length, 1);
    const [timer] = this.timers.splice(0);
    timer?.run();
    await settled();
    return timer?.ms;
  }
}

class FakeSocket {
  constructor() {
    /** @type {any[]} */
    this.sent = [];
    this.closed = false;
    /** @type {((event: any) => void)|null} */
    this.onopen = null;
    /** @type {((event: any) => void)|null} */
    this.onmessage = null;
    /** @type {((event: any) => void)|null} */
    this.onclose = null;
  }

  /** @param {string} text */
  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close() {
    this.closed = true;
  }

  /** @param {object} message */
  receive(message) {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

/** @param {string} resumeToken */
const welcome = (resumeToken) => ({
  type: "welcome",
  version: 1,
  member_id: "m1",
  room: "lobby",
  ice_servers: [],
  resume_token: resumeToken,
  hosted: "ready",
});

/** @param {string} code @param {boolean} fatal */
const error = (code, fatal) => ({ type: "error", error_code: code, detail: "A sentence.", fatal });

test("hello carries a join token, and a resume token after a lost socket", async () => {
  const bench = new Bench();
  bench.client.connect();
  await bench.open();
  assert.deepEqual(bench.socket.sent, [{ type: "hello", version: 1, part: "page", token: "join-1" }]);
  bench.socket.onclose?.({});
  assert.equal(bench.client.state, "reconnecting");
  await bench.elapse();
  await bench.open("resume-2");
  assert.equal(bench.socket.sent[0]?.token, "resume-1");
  assert.equal(bench.tokens, 1);
  assert.deepEqual(bench.states, ["connecting", "open", "reconnecting", "open"]);
});

test("a joined message may replace the resume token", async () => {
  const bench = new Bench();
  bench.client.connect();
  await bench.open();
  const member = {
    member_id: "m1",
    name: "A",
    avatar_id: null,
    kind: "browser",
    order: 1,
    muted: false,
    camera_on: true,
  };
  bench.socket.receive({ type: "joined", member, members: [], resume_token: "resume-joined" });
  bench.socket.onclose?.({});
  await bench.elapse();
  bench.socket.onopen?.({});
  assert.equal(bench.socket.sent[0]?.token, "resume-joined");
});

test("while the server is away it tries again, ever more slowly", async () => {
  const bench = new Bench();
  bench.client.connect();
  await bench.open();
  /** @type {(number|undefined)[]} */
  const delays = [];
  for (let round = 0; round < 6; round++) {
    bench.socket.onclose?.({});
    delays.push(await bench.elapse());
  }
  assert.deepEqual(delays, [300, 600, 1200, 2400, 4800, 5000]);
  await bench.open();
  bench.socket.onclose?.({});
  assert.equal(bench.timers[0]?.ms, 300, "a success resets the delay");
});

test("delays are spread over half of their length", () => {
  assert.equal(retryDelayMs(0, 0), 150);
  assert.equal(retryDelayMs(50, 1), 5_000);
});

test("a server that does not answer hello is given up after a while", async () => {
  const bench = new Bench();
  bench.client.connect();
  await settled();
  const first = bench.socket;
  await bench.elapse();
  assert.equal(first.closed, true);
  assert.equal(bench.client.state, "reconnecting");
});

test("a refused resume token falls back to a fresh join", async () => {
  const bench = new Bench();
  bench.client.connect();
  await bench.open();
  bench.socket.onclose?.({});
  await bench.elapse();
  bench.socket.onopen?.({});
  bench.socket.receive(error("bad_token", true));
  await bench.elapse();
  bench.socket.onopen?.({});
  assert.equal(bench.socket.sent[0]?.token, "join-2");
  assert.deepEqual(bench.refusals, []);
});

test("a refusal for good ends the attempts and keeps the server's sentence", async () => {
  for (const code of ["room_full", "bad_version", "bad_token", "replaced"]) {
    const bench = new Bench();
    bench.client.connect();
    await settled();
    bench.socket.onopen?.({});
    bench.socket.receive(error(code, true));
    assert.equal(bench.client.state, "closed");
    assert.equal(bench.refusals[0]?.message, "A sentence.");
    assert.deepEqual(bench.timers, []);
  }
});

test("a wrong passcode is a refusal, a server out of reach is not", async () => {
  const bench = new Bench();
  bench.tokenError = new ServerRefusal("bad_passcode", "The passcode is wrong.");
  bench.client.connect();
  await settled();
  assert.equal(bench.refusals[0]?.errorCode, "bad_passcode");
  bench.tokenError = new TypeError("Failed to fetch");
  bench.client.connect();
  await settled();
  assert.equal(bench.client.state, "reconnecting");
  bench.tokenError = null;
  await bench.elapse();
  await bench.open();
  assert.equal(bench.client.state, "open");
});

test("errors that are not fatal are passed on", async () => {
  const bench = new Bench();
  bench.client.connect();
  await bench.open();
  bench.socket.receive(error("room_full", false));
  assert.equal(bench.client.state, "open");
  assert.equal(bench.messages.at(-1).error_code, "room_full");
});

test("broken and unknown messages are counted and change nothing", async () => {
  const bench = new Bench();
  bench.client.connect();
  await bench.open();
  bench.socket.onmessage?.({ data: "{" });
  bench.socket.onmessage?.({ data: JSON.stringify({ type: "later_invention" }) });
  bench.socket.onmessage?.({ data: JSON.stringify({ type: "joined" }) });
  assert.equal(bench.client.droppedMessages, 3);
  assert.equal(bench.messages.length, 1);
});

test("leaving says so and voids everything that comes late", async () => {
  const bench = new Bench();
  bench.client.connect();
  await bench.open();
  const socket = bench.socket;
  bench.client.close();
  assert.deepEqual(socket.sent.at(-1), { type: "leave" });
  assert.equal(socket.closed, true);
  socket.receive(welcome("late"));
  assert.equal(bench.client.state, "closed");
  assert.equal(bench.client.send({ type: "leave" }), false);
  bench.client.connect();
  await bench.open();
  assert.equal(bench.socket.sent[0]?.token, "join-2", "a fresh visit after a leave");
});

test("a socket that looks open is dropped for a new one, which resumes", async () => {
  const bench = new Bench();
  bench.client.connect();
  await bench.open("resume-1");
  const dead = bench.socket;
  bench.client.reconnect();
  assert.equal(dead.closed, true);
  await bench.open("resume-2");
  assert.equal(bench.socket.sent[0]?.token, "resume-1");
  assert.equal(bench.client.state, "open");
  bench.client.close();
  bench.client.reconnect();
  assert.equal(bench.client.state, "closed", "who has left stays away");
});
