// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";

import { initialState, present, reduce } from "../src/state.js";
import { announcements, bannerText, rendererText, selfTileText, tileText, tileTrust } from "../src/status.js";

/** @import {Action} from "../src/state.js" */
/** @import {Member, Peer, RoomMember, RoomState, ServerMessage} from "../src/types.js" */

/** @param {string} id @param {number} order @returns {Member} */
const member = (id, order) => ({
  member_id: id,
  name: id.toUpperCase(),
  avatar_id: null,
  kind: "browser",
  order,
  muted: false,
  camera_on: true,
});

/** @param {string} id @param {Partial<Peer>} [fields] @returns {Peer} */
const peer = (id, fields = {}) => ({
  member_id: id,
  state: "live",
  avatar: "own",
  avatar_progress: 1,
  fps: 25,
  render_ms: 5,
  payload_kbps_in: 6,
  payload_kbps_out: 6,
  wire_kbps_in: 30,
  wire_kbps_out: 30,
  loss_pct_in: 0,
  loss_pct_out: 0,
  playout_ms: 40,
  rate_step: 0,
  notice: "",
  owner: "",
  ...fields,
});

/** @param {RoomState} state @param {...(Action|ServerMessage)} actions */
function after(state, ...actions) {
  return actions.reduce(
    (before, action) =>
      reduce(before, isServerMessage(action) ? { type: "server", message: action, nowMs: 0 } : action),
    state,
  );
}

/** @param {Action|ServerMessage} action @returns {action is ServerMessage} */
function isServerMessage(action) {
  return ["welcome", "hosted", "joined", "member_joined", "member_updated", "member_left"].includes(action.type);
}

/** @param {string} id @returns {ServerMessage} */
const welcome = (id) => ({
  type: "welcome",
  version: 1,
  member_id: id,
  room: "lobby",
  ice_servers: [],
  resume_token: "t",
  hosted: "ready",
});

/** @returns {RoomState} a meeting of me (order 3), a (1) and b (2), everything live */
function meeting() {
  return after(
    initialState("lobby"),
    welcome("me"),
    { type: "leg_changed", state: "live" },
    { type: "join_pressed" },
    { type: "joined", member: member("me", 3), members: [member("b", 2), member("a", 1)], resume_token: null },
    { type: "ui", message: { type: "peers", peers: [peer("a"), peer("b")] } },
  );
}

/** @param {RoomState} state */
const ids = (state) => state.members.map(({ member_id }) => member_id);

test("joined opens the meeting with the others in order of joining", () => {
  const state = meeting();
  assert.equal(state.phase, "meeting");
  assert.equal(state.joining, false);
  assert.deepEqual(ids(state), ["a", "b"]);
  assert.equal(state.self?.member_id, "me");
});

test("members come, change and go", () => {
  let state = after(meeting(), { type: "member_joined", member: member("c", 4) });
  assert.deepEqual(ids(state), ["a", "b", "c"]);
  state = after(state, { type: "member_updated", member: { ...member("a", 1), muted: true } });
  assert.deepEqual(ids(state), ["a", "b", "c"]);
  assert.equal(state.members[0]?.muted, true);
  state = after(state, { type: "member_updated", member: { ...member("me", 3), name: "ME 2" } });
  assert.equal(state.self?.name, "ME 2");
  state = after(state, { type: "member_left", member_id: "b", reason: "left" });
  assert.deepEqual(ids(state), ["a", "c"]);
  assert.deepEqual(Object.keys(state.peers), ["a"]);
});

test("a lost member's tile says so for five seconds", () => {
  const lost = reduce(meeting(), {
    type: "server",
    message: { type: "member_left", member_id: "a", reason: "lost" },
    nowMs: 1_000,
  });
  assert.deepEqual(ids(lost), ["a", "b"]);
  assert.deepEqual(
    present(lost).map(({ member_id }) => member_id),
    ["b"],
  );
  assert.match(tileText(/** @type {RoomMember} */ (lost.members[0]), lost).cover, /^Gone/);
  assert.equal(reduce(lost, { type: "time_passed", nowMs: 5_999 }), lost);
  assert.deepEqual(ids(reduce(lost, { type: "time_passed", nowMs: 6_000 })), ["b"]);
  const back = after(lost, { type: "member_joined", member: member("a", 1) });
  assert.deepEqual(
    present(back).map(({ member_id }) => member_id),
    ["a", "b"],
  );
});

test("a resume under the same id keeps the room, another id starts afresh", () => {
  const resumed = after(meeting(), welcome("me"));
  assert.deepEqual(ids(resumed), ["a", "b"]);
  const replaced = after(meeting(), welcome("me-again"));
  assert.deepEqual(ids(replaced), []);
  assert.equal(replaced.self, null);
});

test("after a restart of the server those not back yet stay for a while", () => {
  const self = member("me", 3);
  const alone = after(meeting(), welcome("me"), { type: "joined", member: self, members: [], resume_token: null });
  assert.deepEqual(
    present(alone).map(({ member_id }) => member_id),
    ["a", "b"],
  );
  const withA = after(alone, { type: "member_joined", member: member("a", 1) });
  const later = reduce(withA, { type: "time_passed", nowMs: 15_000 });
  assert.deepEqual(
    present(later).map(({ member_id }) => member_id),
    ["a"],
  );
  assert.equal(later.members[1]?.left?.reason, "lost");
  assert.deepEqual(ids(reduce(later, { type: "time_passed", nowMs: 20_000 })), ["a"]);
});

test("leaving forgets the others and keeps room and choices", () => {
  const state = after(meeting(), { type: "media_changed", muted: true }, { type: "left", farewell: "Bye." });
  assert.equal(state.phase, "left");
  assert.deepEqual(state.members, []);
  assert.equal(state.memberId, null);
  assert.equal(state.muted, true);
  assert.equal(state.farewell, "Bye.");
});

test("a refusal stops joining and is cleared by the next attempt", () => {
  const refused = after(initialState("lobby"), { type: "join_pressed" }, { type: "refused", detail: "Full." });
  assert.equal(refused.joining, false);
  assert.equal(refused.failure, "Full.");
  assert.equal(after(refused, { type: "join_pressed" }).failure, null);
});

test("tiles tell whose head it is", () => {
  /** @param {Partial<Peer>} fields */
  const trust = (fields) => {
    const state = after(meeting(), { type: "ui", message: { type: "peers", peers: [peer("a", fields)] } });
    return tileTrust(/** @type {RoomMember} */ (state.members[0]), state);
  };
  const nothing = { trust: "", trustText: "" };
  assert.deepEqual(trust({}), nothing);
  assert.deepEqual(trust({ avatar: "own", owner: "0123456789abcdef" }), {
    trust: "verified",
    trustText: "Verified: the avatar's owner, key 0123 4567 89ab cdef",
  });
  assert.equal(trust({ avatar: "unverified" }).trust, "unverified");
  assert.match(trust({ avatar: "unverified" }).trustText, /^Not verified/);
  assert.deepEqual(trust({ avatar: "guest", owner: "00" }), nothing);
  assert.deepEqual(trust({ avatar: "loading", owner: "00" }), nothing);
  assert.deepEqual(trust({ state: "reconnecting", avatar: "own", owner: "00" }), nothing);
});

test("tiles tell every state in words", () => {
  /** @param {Partial<Peer>} fields */
  const text = (fields) => {
    const state = after(meeting(), { type: "ui", message: { type: "peers", peers: [peer("a", fields)] } });
    return tileText(/** @type {RoomMember} */ (state.members[0]), state);
  };
  assert.deepEqual(text({}), { cover: "", chip: "" });
  assert.equal(text({ state: "connecting" }).cover, "Connecting…");
  assert.equal(text({ state: "reconnecting" }).cover, "Reconnecting…");
  assert.equal(text({ state: "gone" }).cover, "Gone");
  assert.equal(text({ avatar: "loading", avatar_progress: 0.4 }).chip, "Loading avatar 40 %");
  assert.equal(text({ avatar: "guest" }).chip, "Guest avatar shown");
  assert.equal(text({ avatar: "unverified" }).chip, "Not verified: guest avatar shown");
  assert.equal(text({ avatar: "guest", notice: "The avatar is damaged." }).chip, "The avatar is damaged.");
  const unknown = after(meeting(), { type: "ui", message: { type: "peers", peers: [] } });
  assert.equal(tileText(/** @type {RoomMember} */ (unknown.members[0]), unknown).cover, "Connecting…");
});

test("while my renderer is missing every tile says that instead", () => {
  const state = after(meeting(), { type: "leg_changed", state: "reconnecting" });
  assert.equal(tileText(/** @type {RoomMember} */ (state.members[0]), state).cover, "Reconnecting to your renderer…");
  assert.equal(rendererText(after(state, { type: "hosted", state: "none" })), "No free renderer yet");
});

test("the banner names what is wrong with server and renderer", () => {
  const state = meeting();
  assert.equal(bannerText(state), "");
  assert.match(bannerText(after(state, { type: "signaling_changed", state: "reconnecting" })), /^The server went away/);
  assert.match(bannerText(after(state, { type: "hosted", state: "none" })), /^No free renderer on this server yet/);
  assert.match(bannerText(after(state, { type: "hosted", state: "lost" })), /^Your renderer stopped/);
});

test("the self tile tells why the head rests", () => {
  const state = after(
    initialState("lobby"),
    { type: "signaling_changed", state: "open" },
    welcome("me"),
    { type: "leg_changed", state: "live" },
    { type: "media_changed", hasCamera: true },
  );
  assert.deepEqual(selfTileText(state), { cover: "", chip: "" });
  assert.equal(
    selfTileText(after(state, { type: "media_changed", hasCamera: false })).chip,
    "No camera: your head rests",
  );
  const off = after(state, { type: "media_changed", cameraOn: false, hasCamera: false });
  assert.equal(selfTileText(off).chip, "Camera off: your head rests");
  const away = after(state, { type: "ui", message: { type: "tracking", state: "no_face", fps: 30, ms: 9 } });
  assert.equal(selfTileText(away).chip, "No face in view");
  assert.equal(
    selfTileText(after(state, { type: "leg_changed", state: "connecting" })).cover,
    "Connecting to your renderer…",
  );
});

test("who comes, is lost and stalls is said for people who do not see the tiles", () => {
  const state = meeting();
  assert.deepEqual(announcements(state, after(initialState("lobby"), welcome("me"))), [], "not who was there before");
  const joined = after(state, { type: "member_joined", member: member("c", 4) });
  assert.deepEqual(announcements(joined, state), ["C joined."]);
  const lost = after(state, { type: "member_left", member_id: "a", reason: "lost" });
  assert.deepEqual(announcements(lost, state), ["The connection to A was lost."]);
  assert.deepEqual(announcements(after(lost, { type: "member_joined", member: member("a", 1) }), lost), ["A joined."]);
  assert.deepEqual(announcements(after(state, { type: "member_left", member_id: "a", reason: "left" }), state), []);
  /** @type {Action} */
  const stalls = { type: "ui", message: { type: "peers", peers: [peer("a", { state: "reconnecting" }), peer("b")] } };
  const stalled = after(state, stalls);
  assert.deepEqual(announcements(stalled, state), ["Reconnecting to A…"]);
  assert.deepEqual(announcements(after(stalled, stalls), stalled), [], "every second the same figures: no word");
  assert.deepEqual(announcements(state, stalled), ["A is back."]);
});
