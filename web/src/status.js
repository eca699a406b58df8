// SPDX-License-Identifier: Apache-2.0
/**
 * States in words: what stands over a tile, in the banner and under the preview.
 *
 * @import {Peer, RoomMember, RoomState} from "./types.js"
 */

/** @typedef {{cover: string, chip: string}} TileText `cover`: over a head that does not move; `chip`: a small remark */

/** Where my own renderer stands; empty when it is live. @param {RoomState} state */
export function rendererText(state) {
  if (state.hosted === "none") return "No free renderer yet";
  if (state.hosted === "lost" || state.leg === "reconnecting") return "Reconnecting to your renderer…";
  if (state.leg !== "live") return "Connecting to your renderer…";
  return "";
}

/**
 * @param {RoomMember} member
 * @param {RoomState} state
 * @returns {TileText}
 */
export function tileText(member, state) {
  if (member.left) return { cover: "Gone. The connection was lost.", chip: "" };
  const renderer = rendererText(state);
  if (renderer) return { cover: renderer, chip: "" };
  const peer = state.peers[member.member_id];
  if (!peer || peer.state === "connecting") return { cover: "Connecting…", chip: "" };
  if (peer.state === "reconnecting") return { cover: "Reconnecting…", chip: "" };
  if (peer.state === "gone") return { cover: "Gone", chip: "" };
  return { cover: "", chip: avatarChip(peer.avatar, peer.avatar_progress, peer.notice) };
}

/** @param {Peer["avatar"]} avatar @param {number} progress 0..1 @param {string} notice */
function avatarChip(avatar, progress, notice) {
  if (avatar === "loading") return `Loading avatar ${Math.round(progress * 100)} %`;
  if (notice) return notice;
  if (avatar === "unverified") return "Not verified: guest avatar shown";
  return avatar === "guest" ? "Guest avatar shown" : "";
}

/** @typedef {{trust: ""|"verified"|"unverified", trustText: string}} TileTrust whose face it is, and that in words */

/**
 * @param {RoomMember} member
 * @param {RoomState} state
 * @returns {TileTrust}
 */
export function tileTrust(member, state) {
  const peer = state.peers[member.member_id];
  if (member.left || peer?.state !== "live") return { trust: "", trustText: "" };
  if (peer.avatar === "unverified") {
    return { trust: "unverified", trustText: "Not verified: nobody has proven that this avatar is theirs" };
  }
  if (peer.avatar !== "own" || !peer.owner) return { trust: "", trustText: "" };
  const key = peer.owner.match(/.{1,4}/g)?.join(" ");
  return { trust: "verified", trustText: `Verified: the avatar's owner, key ${key}` };
}

/**
 * My own tile; in the meeting it is too small for what an icon says already.
 *
 * @param {RoomState} state
 * @returns {TileText}
 */
export function selfTileText(state) {
  if (state.failure || state.signaling === "idle") return { cover: "", chip: "" };
  const renderer = rendererText(state);
  if (renderer) return { cover: renderer, chip: "" };
  const resting = !state.cameraOn || !state.hasCamera;
  if (!resting) return { cover: "", chip: state.tracking?.state === "no_face" ? "No face in view" : "" };
  if (state.phase === "meeting") return { cover: "", chip: "" };
  return { cover: "", chip: state.cameraOn ? "No camera: your head rests" : "Camera off: your head rests" };
}

/** The banner over everything; empty when all is well. @param {RoomState} state */
export function bannerText(state) {
  if (state.signaling === "reconnecting") {
    return state.phase === "meeting" || state.memberId
      ? "The server went away. Reconnecting…"
      : "The server does not answer. Trying again…";
  }
  if (state.phase === "left") return "";
  if (state.hosted === "none") {
    return "No free renderer on this server yet. You can join and talk; the heads appear as soon as one is free.";
  }
  if (state.hosted === "lost") return "Your renderer stopped. A new one is on its way…";
  return "";
}

/**
 * What happened to the others, for people who do not see the tiles. Who leaves on purpose has a notice of their own.
 *
 * @param {RoomState} state
 * @param {RoomState} before
 * @returns {string[]} sentences
 */
export function announcements(state, before) {
  if (!state.self || !before.self) return [];
  const sentences = [];
  for (const member of state.members) {
    const old = before.members.find((other) => other.member_id === member.member_id);
    const was = before.peers[member.member_id]?.state;
    const is = state.peers[member.member_id]?.state;
    if (!member.left && (!old || old.left)) sentences.push(`${member.name} joined.`);
    else if (member.left && !old?.left) sentences.push(`The connection to ${member.name} was lost.`);
    else if (is === "reconnecting" && was !== is) sentences.push(`Reconnecting to ${member.name}…`);
    else if (is === "live" && was === "reconnecting") sentences.push(`${member.name} is back.`);
  }
  return sentences;
}

/** @param {number} count people in the room, me included */
export function headcountText(count) {
  return count === 1 ? "Only you" : `${count} people`;
}
