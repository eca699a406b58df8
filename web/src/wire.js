// SPDX-License-Identifier: Apache-2.0
/**
 * Edge of the page: turns received text into typed messages. Nothing behind this module checks a field again.
 * A message of unknown type gives null (newer peers may send more); a broken one throws `WireError`.
 *
 * @import {AtlasMessage, Member, Peer, ServerMessage, SignalData, UiMessageIn} from "./types.js"
 */

import { parseEnrolmentMessage } from "./enrolment_wire.js";
import { WireError, asObject, list, number, oneOf, parseObject, text } from "./fields.js";

export { WireError };

/** @typedef {import("./fields.js").Fields} Fields */

/** Largest side of an atlas that a page accepts, in pixels: what every browser can draw. */
const MAX_ATLAS_PX = 8192;

/** RFC 7064 and 7065. `RTCPeerConnection` throws for any other address, and there would be no connection at all. */
const ICE_URL = new RegExp(
  [
    /^(?<scheme>stuns?|turns?):/,
    /(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])/,
    /(?::(?<port>[0-9]{1,5}))?/,
    /(?<query>\?transport=(?:udp|tcp))?$/,
  ]
    .map((part) => part.source)
    .join(""),
);

/** @param {unknown} value @returns {Member} */
function member(value) {
  const fields = asObject(value, "member");
  return {
    member_id: text(fields, "member_id"),
    name: text(fields, "name"),
    avatar_id: typeof fields.avatar_id === "string" ? fields.avatar_id : null,
    kind: oneOf(fields, "kind", ["browser", "bot"]),
    order: number(fields, "order"),
    muted: fields.muted === true,
    camera_on: fields.camera_on === true,
  };
}

/** @param {unknown} value @returns {SignalData} */
function signalData(value) {
  const fields = asObject(value, "data");
  /** @type {SignalData} */
  const data = { kind: oneOf(fields, "kind", ["leg", "face", "voice"]), session: number(fields, "session") };
  if (fields.description !== undefined) {
    const description = asObject(fields.description, "description");
    data.description = { type: oneOf(description, "type", ["offer", "answer"]), sdp: text(description, "sdp") };
  } else if (fields.candidate !== undefined) {
    data.candidate = fields.candidate === null ? null : candidate(asObject(fields.candidate, "candidate"));
  } else if (fields.request === true) {
    data.request = true;
  } else {
    throw new WireError("data carries nothing");
  }
  return data;
}

/** @param {Fields} fields @returns {RTCIceCandidateInit} */
function candidate(fields) {
  return {
    candidate: text(fields, "candidate"),
    sdpMid: typeof fields.sdpMid === "string" ? fields.sdpMid : null,
    sdpMLineIndex: typeof fields.sdpMLineIndex === "number" ? fields.sdpMLineIndex : null,
  };
}

/**
 * A server that the browser would refuse is left out: a direct connection may do without it.
 *
 * @param {unknown} value @returns {RTCIceServer[]} one or none
 */
function iceServer(value) {
  const { urls, username, credential } = asObject(value, "ice server");
  const good = [urls].flat().filter((url) => typeof url === "string" && isIceUrl(url));
  const withSecret = typeof username === "string" && typeof credential === "string";
  const usable = /** @type {string[]} */ (withSecret ? good : good.filter((url) => !String(url).startsWith("turn")));
  if (usable.length === 0) return [];
  return [withSecret ? { urls: usable, username, credential } : { urls: usable }];
}

/** @param {string} url */
function isIceUrl(url) {
  const { scheme, port = "3478", query } = ICE_URL.exec(url)?.groups ?? {};
  if (scheme === undefined || (query !== undefined && scheme.startsWith("stun"))) return false;
  return Number(port) >= 1 && Number(port) <= 65_535;
}

/**
 * @param {string} raw @returns {ServerMessage|null}
 * @throws {WireError}
 */
export function parseServerMessage(raw) {
  const fields = parseObject(raw);
  const type = text(fields, "type");
  switch (type) {
    case "welcome":
      return {
        type,
        version: number(fields, "version"),
        member_id: text(fields, "member_id"),
        room: text(fields, "room"),
        ice_servers: list(fields, "ice_servers").flatMap(iceServer),
        resume_token: text(fields, "resume_token"),
        hosted: oneOf(fields, "hosted", ["ready", "none", "self"]),
      };
    case "hosted":
      return { type, state: oneOf(fields, "state", ["ready", "none", "lost"]) };
    case "joined":
      return {
        type,
        member: member(fields.member),
        members: list(fields, "members").map(member),
        resume_token: typeof fields.resume_token === "string" ? fields.resume_token : null,
      };
    case "member_joined":
    case "member_updated":
      return { type, member: member(fields.member) };
    case "member_left":
      return { type, member_id: text(fields, "member_id"), reason: oneOf(fields, "reason", ["left", "lost"]) };
    case "signal": {
      const from = asObject(fields.from, "from");
      const part = oneOf(from, "part", ["page", "client", "bot"]);
      return { type, from: { member_id: text(from, "member_id"), part }, data: signalData(fields.data) };
    }
    case "notice":
      return { type, text: text(fields, "text") };
    case "error":
      return {
        type,
        error_code: text(fields, "error_code"),
        detail: text(fields, "detail"),
        fatal: fields.fatal === true,
      };
    default:
      return null;
  }
}

/** @param {Fields} fields @returns {AtlasMessage} */
function atlas(fields) {
  const width = number(fields, "width");
  const height = number(fields, "height");
  if (!(width >= 0 && height >= 0 && width <= MAX_ATLAS_PX && height <= MAX_ATLAS_PX)) {
    throw new WireError(`an atlas of ${width} x ${height} pixels`);
  }
  const tiles = list(fields, "tiles").map((value) => {
    const tile = asObject(value, "tile");
    const x = number(tile, "x");
    const y = number(tile, "y");
    const size = number(tile, "size");
    const inside = x >= 0 && y >= 0 && size > 0 && x + size <= width && y + size <= height;
    if (!inside) throw new WireError("a tile outside of the atlas");
    return { member_id: text(tile, "member_id"), x, y, size };
  });
  return { type: "atlas", width, height, tiles };
}

/** @param {unknown} value @returns {Peer} */
function peer(value) {
  const fields = asObject(value, "peer");
  return {
    member_id: text(fields, "member_id"),
    state: oneOf(fields, "state", ["connecting", "live", "reconnecting", "gone"]),
    avatar: oneOf(fields, "avatar", ["own", "guest", "loading", "unverified"]),
    avatar_progress: Math.min(1, Math.max(0, number(fields, "avatar_progress", 0))),
    fps: number(fields, "fps", 0),
    render_ms: number(fields, "render_ms", 0),
    payload_kbps_in: number(fields, "payload_kbps_in", 0),
    payload_kbps_out: number(fields, "payload_kbps_out", 0),
    wire_kbps_in: number(fields, "wire_kbps_in", 0),
    wire_kbps_out: number(fields, "wire_kbps_out", 0),
    loss_pct_in: number(fields, "loss_pct_in", 0),
    loss_pct_out: number(fields, "loss_pct_out", 0),
    playout_ms: number(fields, "playout_ms", 0),
    rate_step: number(fields, "rate_step", 0),
    notice: typeof fields.notice === "string" ? fields.notice : "",
    owner: typeof fields.owner === "string" ? fields.owner : "",
  };
}

/**
 * @param {string} raw a message of the `ui` channel
 * @returns {UiMessageIn|null}
 * @throws {WireError}
 */
export function parseUiMessage(raw) {
  const fields = parseObject(raw);
  const type = text(fields, "type");
  switch (type) {
    case "atlas":
      return atlas(fields);
    case "tracking":
      return {
        type,
        state: oneOf(fields, "state", ["face", "no_face", "rest"]),
        fps: number(fields, "fps", 0),
        ms: number(fields, "ms", 0),
      };
    case "peers":
      return { type, peers: list(fields, "peers").map(peer) };
    case "notice":
      return { type, text: text(fields, "text") };
    default:
      return parseEnrolmentMessage(type, fields);
  }
}
