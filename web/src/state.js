// SPDX-License-Identifier: Apache-2.0
/**
 * What the page knows: one immutable value and a reducer. Actions are things that happened.
 *
 * @import {JoinedMessage, LinkState, Member, RoomMember, RoomState, ServerMessage, SignalingState,
 *   UiMessageIn} from "./types.js"
 */

/** A lost member's tile says so for this long. */
const GONE_TILE_MS = 5_000;
/** After a restart of the server members come back one by one; connections to them run on for so long. */
const RETURN_GRACE_MS = 15_000;
const MAX_ERRORS = 20;

/**
 * @typedef {{type: "server", message: ServerMessage, nowMs: number}
 *   |{type: "ui", message: UiMessageIn}
 *   |{type: "hosted_missing"}
 *   |{type: "signaling_changed", state: SignalingState}
 *   |{type: "leg_changed", state: LinkState}
 *   |{type: "take_begun"}
 *   |{type: "join_pressed"}
 *   |{type: "left", farewell: string}
 *   |{type: "returned"}
 *   |{type: "refused", detail: string}
 *   |{type: "media_changed", muted?: boolean, cameraOn?: boolean, hasCamera?: boolean, hasMicrophone?: boolean}
 *   |{type: "error_shown", text: string}
 *   |{type: "time_passed", nowMs: number}} Action
 */

/** @param {string} room @returns {RoomState} */
export function initialState(room) {
  return {
    phase: "join",
    joining: false,
    room,
    memberId: null,
    self: null,
    members: [],
    peers: {},
    atlas: null,
    tracking: null,
    coverage: null,
    enrolment: null,
    hosted: "unknown",
    signaling: "idle",
    leg: "idle",
    muted: false,
    cameraOn: true,
    hasCamera: false,
    hasMicrophone: false,
    failure: null,
    farewell: "",
    errors: [],
  };
}

/** @type {Pick<RoomState, "self"|"members"|"peers"|"atlas"|"tracking"|"coverage"|"enrolment"|"joining">} */
const NOBODY = {
  self: null,
  members: [],
  peers: {},
  atlas: null,
  tracking: null,
  coverage: null,
  enrolment: null,
  joining: false,
};

/**
 * @param {RoomState} state
 * @param {Action} action
 * @returns {RoomState} the same object when nothing changed
 */
export function reduce(state, action) {
  switch (action.type) {
    case "server":
      return afterServer(state, action.message, action.nowMs);
    case "ui":
      return afterUi(state, action.message);
    case "hosted_missing":
      return { ...state, hosted: "none" };
    case "signaling_changed":
      return { ...state, signaling: action.state };
    case "leg_changed":
      return { ...state, leg: action.state, tracking: action.state === "live" ? state.tracking : null };
    case "take_begun":
      return { ...state, coverage: null, enrolment: null };
    case "join_pressed":
      return { ...state, joining: true, failure: null };
    case "left":
      return { ...state, ...NOBODY, phase: "left", farewell: action.farewell, memberId: null, hosted: "unknown" };
    case "returned":
      return { ...state, phase: "join", failure: null };
    case "refused":
      return { ...state, joining: false, failure: action.detail };
    case "media_changed": {
      const { type: _, ...changes } = action;
      return { ...state, ...changes };
    }
    case "error_shown":
      return { ...state, errors: [...state.errors, action.text].slice(-MAX_ERRORS) };
    case "time_passed":
      return withoutGone(state, action.nowMs);
  }
}

/** @param {RoomState} state @param {ServerMessage} message @param {number} nowMs @returns {RoomState} */
function afterServer(state, message, nowMs) {
  switch (message.type) {
    case "welcome": {
      const sameMember = message.member_id === state.memberId;
      return {
        ...state,
        ...(sameMember ? {} : { ...NOBODY, joining: state.joining }),
        room: message.room,
        memberId: message.member_id,
        // A client may be on its way; the server says so when none is free.
        hosted: message.hosted === "none" ? "unknown" : message.hosted,
        failure: null,
      };
    }
    case "hosted":
      return { ...state, hosted: message.state };
    case "joined":
      return {
        ...state,
        phase: "meeting",
        joining: false,
        self: message.member,
        members: membersAfterJoin(state, message, nowMs),
      };
    case "member_joined":
    case "member_updated":
      return withMember(state, message.member);
    case "member_left":
      return withoutMember(state, message.member_id, message.reason, nowMs);
    default:
      return state;
  }
}

/** @param {RoomState} state @param {UiMessageIn} message @returns {RoomState} */
function afterUi(state, message) {
  switch (message.type) {
    case "atlas":
      return { ...state, atlas: message };
    case "tracking":
      return { ...state, tracking: message };
    case "coverage":
      return { ...state, coverage: message };
    case "enrolment":
      return { ...state, enrolment: message };
    case "peers":
      return { ...state, peers: Object.fromEntries(message.peers.map((peer) => [peer.member_id, peer])) };
    default:
      return state;
  }
}

/** @param {Member} member @returns {RoomMember} */
const here = (member) => ({ ...member, left: null, missing_since_ms: null });

/**
 * @param {RoomState} state @param {JoinedMessage} message @param {number} nowMs
 * @returns {RoomMember[]}
 */
function membersAfterJoin(state, message, nowMs) {
  const listed = message.members.filter((other) => other.member_id !== message.member.member_id).map(here);
  const ids = new Set(listed.map((member) => member.member_id));
  const missing = present(state)
    .filter((member) => !ids.has(member.member_id))
    .map((member) => ({ ...member, missing_since_ms: member.missing_since_ms ?? nowMs }));
  return [...listed, ...missing].sort((a, b) => a.order - b.order);
}

/** @param {RoomState} state @param {Member} member @returns {RoomState} */
function withMember(state, member) {
  if (member.member_id === state.memberId) return { ...state, self: state.self && member };
  const others = state.members.filter((other) => other.member_id !== member.member_id);
  return { ...state, members: [...others, here(member)].sort((a, b) => a.order - b.order) };
}

/**
 * One who left on purpose goes at once; a lost one's tile stays for a moment and says so.
 *
 * @param {RoomState} state @param {string} memberId @param {"left"|"lost"} reason @param {number} nowMs
 * @returns {RoomState}
 */
function withoutMember(state, memberId, reason, nowMs) {
  const { [memberId]: _, ...peers } = state.peers;
  const members =
    reason === "left"
      ? state.members.filter((member) => member.member_id !== memberId)
      : state.members.map((member) =>
          member.member_id === memberId ? { ...member, left: { reason, at_ms: nowMs } } : member,
        );
  return { ...state, members, peers };
}

/** @param {RoomState} state @param {number} nowMs @returns {RoomState} */
function withoutGone(state, nowMs) {
  const isLost = (/** @type {RoomMember} */ { left, missing_since_ms: since }) =>
    !left && since !== null && nowMs >= since + RETURN_GRACE_MS;
  const isForgotten = (/** @type {RoomMember} */ { left }) => left !== null && nowMs >= left.at_ms + GONE_TILE_MS;
  if (!state.members.some((member) => isLost(member) || isForgotten(member))) return state;
  const lost = state.members.find(isLost);
  if (lost) return withoutGone(withoutMember(state, lost.member_id, "lost", nowMs), nowMs);
  return { ...state, members: state.members.filter((member) => !isForgotten(member)) };
}

/** Members that are still there. @param {RoomState} state */
export function present(state) {
  return state.members.filter((member) => !member.left);
}

/** Holds the state and tells listeners about each change. */
export class Store {
  /** @param {RoomState} state */
  constructor(state) {
    this.state = state;
    /** @type {((state: RoomState, before: RoomState) => void)[]} */
    this.listeners = [];
  }

  /** @param {Action} action */
  dispatch(action) {
    const before = this.state;
    this.state = reduce(before, action);
    if (this.state === before) return;
    for (const listener of this.listeners) listener(this.state, before);
  }

  /** @param {(state: RoomState, before: RoomState) => void} listener */
  subscribe(listener) {
    this.listeners.push(listener);
  }
}
