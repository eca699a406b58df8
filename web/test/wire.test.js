// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";

import { inviteLink, readAddress } from "../src/api.js";
import { WireError, parseServerMessage, parseUiMessage } from "../src/wire.js";

const member = { member_id: "a", name: "Ada", avatar_id: "x", kind: "bot", order: 1, muted: false, camera_on: true };

/** @param {object} message */
const server = (message) => parseServerMessage(JSON.stringify(message));
/** @param {object} message */
const ui = (message) => parseUiMessage(JSON.stringify(message));

test("messages of the protocol are read, unknown fields ignored, unknown types passed over", () => {
  assert.deepEqual(server({ type: "member_joined", member: { ...member, later: 1 } }), {
    type: "member_joined",
    member,
  });
  assert.deepEqual(server({ type: "hosted", state: "lost" }), { type: "hosted", state: "lost" });
  assert.equal(server({ type: "invented_later" }), null);
  assert.equal(ui({ type: "invented_later" }), null);
});

test("signals carry exactly what they say", () => {
  const from = { member_id: "a", part: "page" };
  const candidate = { candidate: "candidate:1", sdpMid: "0", sdpMLineIndex: 0 };
  const read = server({ type: "signal", from, data: { kind: "voice", session: 3, candidate } });
  assert.deepEqual(read, { type: "signal", from, data: { kind: "voice", session: 3, candidate } });
  const end = server({ type: "signal", from, data: { kind: "voice", session: 3, candidate: null } });
  assert.equal(end?.type === "signal" && end.data.candidate, null);
});

test("broken messages are refused, whatever is broken", () => {
  const from = { member_id: "a", part: "page" };
  const broken = [
    { type: 7 },
    { type: "joined", member, members: {} },
    { type: "joined", member: { ...member, order: "1" }, members: [] },
    { type: "member_left", member_id: "a", reason: "bored" },
    { type: "signal", from, data: { kind: "voice", session: 1 } },
    { type: "signal", from, data: { kind: "voice", session: null, request: true } },
    { type: "signal", from, data: { kind: "voice", session: 1, description: { type: "rollback", sdp: "" } } },
    { type: "signal", from: { member_id: "a", part: "cellar" }, data: { kind: "leg", session: 1, request: true } },
  ];
  for (const message of broken) assert.throws(() => server(message), WireError, JSON.stringify(message));
  for (const text of ["", "null", "[]", "3", '"hello"', "{}"]) assert.throws(() => parseServerMessage(text), WireError);
});

test("an atlas must fit what a browser can draw, and tiles must lie in it", () => {
  const tile = { member_id: "self", x: 0, y: 0, size: 128 };
  assert.ok(ui({ type: "atlas", width: 256, height: 128, tiles: [tile] }));
  for (const bad of [{ x: -16 }, { x: 240 }, { y: 16 }, { size: 0 }, { size: 1e9 }]) {
    assert.throws(() => ui({ type: "atlas", width: 256, height: 128, tiles: [{ ...tile, ...bad }] }), WireError);
  }
  assert.throws(() => ui({ type: "atlas", width: 1e6, height: 1e6, tiles: [] }), WireError);
});

test("peer figures default to zero, notices to none, progress stays within 0..1", () => {
  const read = ui({
    type: "peers",
    peers: [{ member_id: "a", state: "live", avatar: "own", avatar_progress: 7, notice: null }],
  });
  assert.ok(read?.type === "peers");
  assert.equal(read.peers[0]?.fps, 0);
  assert.equal(read.peers[0]?.notice, "");
  assert.equal(read.peers[0]?.owner, "");
  assert.equal(read.peers[0]?.avatar_progress, 1);
  assert.throws(() => ui({ type: "peers", peers: [{ member_id: "a", state: "asleep", avatar: "own" }] }), WireError);
});

test("room and secrets are read from the address", () => {
  const lobby = { room: "lobby", passcode: null, invite: null, stamp: false };
  assert.deepEqual(readAddress({ search: "", hash: "" }), lobby);
  assert.equal(readAddress({ search: "?room=blue", hash: "" }).room, "blue");
  assert.deepEqual(readAddress({ search: "", hash: "#room=blue&invite=abc&passcode=p%26q" }), {
    room: "blue",
    passcode: "p&q",
    invite: "abc",
    stamp: false,
  });
  assert.equal(readAddress({ search: "?stamp=1", hash: "" }).stamp, true);
  assert.equal(readAddress({ search: "?room=../etc", hash: "" }).room, "lobby");
});

test("an invite link leads back to the same room with the same secrets", () => {
  const address = { room: "blue", passcode: "p&q", invite: "a+b", stamp: false };
  const url = new URL(inviteLink("https://call.example", address));
  assert.deepEqual(readAddress(url), address);
  assert.equal(
    inviteLink("https://call.example", { ...address, passcode: null, invite: null }),
    "https://call.example/?room=blue",
  );
});

test("of the ICE servers only what a browser takes gets through", () => {
  /** @param {unknown[]} servers */
  const read = (...servers) => {
    const common = { version: 1, member_id: "a", room: "lobby", resume_token: "t", hosted: "none" };
    const message = server({ type: "welcome", ...common, ice_servers: servers });
    return message?.type === "welcome" ? message.ice_servers : null;
  };
  const secret = { username: "1:a", credential: "north" };
  const good = ["turn:t.example", "turns:t.example:5349?transport=tcp", "turn:[2001:db8::7]:3478", "stun:192.0.2.7:1"];
  assert.deepEqual(read({ urls: good, ...secret }), [{ urls: good, ...secret }]);
  assert.deepEqual(read({ urls: "stun:t.example" }), [{ urls: ["stun:t.example"] }]);
  const bad = ["stun:", "stun:t.example?transport=udp", "stun:t.example:0", "turn:t.example:65536", "http://t.example"];
  assert.deepEqual(read({ urls: [...bad, "turn:a b", 7, null], ...secret }, {}), []);
  const withoutSecret = read({ urls: ["turn:t.example", "stun:t.example"] });
  assert.deepEqual(withoutSecret, [{ urls: ["stun:t.example"] }]);
  assert.throws(() => read("stun:t.example"), WireError);
});
