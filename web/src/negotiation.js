// SPDX-License-Identifier: Apache-2.0
/**
 * Session logic of one connection (docs/protocol.md, `signal` data), without any I/O: who offers, which messages belong
 * to the running attempt, when to try again. `PeerLink` drives it.
 *
 * @import {Member, SignalData} from "./types.js"
 */

const SETUP_TIMEOUT_MS = 8_000;
/** An attempt that failed early is not repeated before this time, times the number of attempts. */
const RETRY_SPACING_MS = 1_000;
const DISCONNECT_GRACE_MS = 3_000;
const MAX_BACKOFF_ATTEMPTS = 4;

/**
 * @typedef {{action: "apply", description: {type: "offer"|"answer", sdp: string}, session: number}
 *   |{action: "candidate", candidate: RTCIceCandidateInit|null}
 *   |{action: "begin"}
 *   |{action: "drop", reason: string}} Verdict
 */

/**
 * Whether I offer the voice connection to `other`: pages call bots, and the later comer calls the earlier one.
 *
 * @param {Pick<Member, "order">} self
 * @param {Pick<Member, "order"|"kind">} other
 */
export function offersVoice(self, other) {
  return other.kind === "bot" || self.order > other.order;
}

/** One connection's attempts. Times are milliseconds of any monotonic clock. */
export class Negotiation {
  /**
   * @param {{offering: boolean, firstSession?: number}} options `firstSession`: the first attempt's number; a page that
   *   was loaded again under the same member id must start above its former numbers
   */
  constructor({ offering, firstSession = 1 }) {
    this.offering = offering;
    this.session = offering ? firstSession - 1 : 0;
    /** @type {"idle"|"setting_up"|"connected"|"broken"} */
    this.status = "idle";
    this.attempts = 0;
    this.lastBeginMs = -Infinity;
    /** @type {number|null} when `due` asks for something; null: never */
    this.deadlineMs = null;
    /** Whether the running attempt has brought any message of the other side. */
    this.isAnswered = false;
  }

  /**
   * The offering side starts an attempt.
   *
   * @param {number} nowMs
   * @returns {number} the session number for all messages of the attempt
   */
  begin(nowMs) {
    if (!this.offering) throw new Error("Only the offering side begins a session.");
    this.session += 1;
    this.#settingUp(nowMs);
    return this.session;
  }

  /** The answering side starts to wait for an offer. @param {number} nowMs */
  expect(nowMs) {
    this.#settingUp(nowMs);
  }

  /**
   * Judges a message of the other side.
   *
   * @param {SignalData} data
   * @param {number} nowMs
   * @returns {Verdict}
   */
  receive(data, nowMs) {
    const verdict = this.#judge(data, nowMs);
    if (verdict.action !== "drop") this.isAnswered = true;
    return verdict;
  }

  /** @param {SignalData} data @param {number} nowMs @returns {Verdict} */
  #judge(data, nowMs) {
    if (data.request) return this.#requested(data.session, nowMs);
    if (data.description?.type === "offer") return this.#offered(data.description, data.session, nowMs);
    if (data.session !== this.session) return { action: "drop", reason: "of another session" };
    if (data.description) {
      if (!this.offering) return { action: "drop", reason: "an answer to nothing" };
      return { action: "apply", description: data.description, session: data.session };
    }
    return { action: "candidate", candidate: data.candidate ?? null };
  }

  /** @param {RTCPeerConnectionState} state @param {number} nowMs */
  connectionChanged(state, nowMs) {
    if (state === "connected") {
      this.status = "connected";
      this.attempts = 0;
      this.deadlineMs = null;
    } else if (state === "disconnected" && this.status === "connected") {
      this.status = "broken";
      this.deadlineMs = nowMs + DISCONNECT_GRACE_MS;
    } else if (state === "failed" || state === "closed") {
      this.status = "broken";
      this.deadlineMs = Math.max(nowMs, this.lastBeginMs + RETRY_SPACING_MS * this.#backoff());
    }
  }

  /**
   * What is due now, if anything: `begin` on the offering side, `request` on the other. The answering side asks again
   * after each further time-out.
   *
   * @param {number} nowMs
   * @returns {"begin"|"request"|null}
   */
  due(nowMs) {
    if (this.deadlineMs === null || nowMs < this.deadlineMs) return null;
    if (this.offering) return "begin";
    this.#settingUp(nowMs);
    return "request";
  }

  /**
   * Whether the attempt's time is over without a word of the other side; said once for each attempt.
   *
   * @param {number} nowMs
   */
  takeSilence(nowMs) {
    const overdue = this.status === "setting_up" && this.deadlineMs !== null && nowMs >= this.deadlineMs;
    if (!overdue || this.isAnswered) return false;
    this.isAnswered = true;
    return true;
  }

  /** Stops asking for anything until the next `begin`, `expect` or offer. */
  rest() {
    this.status = "idle";
    this.deadlineMs = null;
    this.attempts = 0;
  }

  /** @param {number} nowMs */
  #settingUp(nowMs) {
    this.status = "setting_up";
    this.attempts += 1;
    this.isAnswered = false;
    this.lastBeginMs = nowMs;
    this.deadlineMs = nowMs + SETUP_TIMEOUT_MS * this.#backoff();
  }

  #backoff() {
    return Math.min(Math.max(this.attempts, 1), MAX_BACKOFF_ATTEMPTS);
  }

  /** @param {number} session @param {number} nowMs @returns {Verdict} */
  #requested(session, nowMs) {
    if (!this.offering) return { action: "drop", reason: "a request to the answering side" };
    const justBegun = session <= this.session && nowMs < this.lastBeginMs + RETRY_SPACING_MS;
    if (justBegun || (this.status === "setting_up" && session < this.session)) {
      return { action: "drop", reason: "a newer attempt runs" };
    }
    this.session = Math.max(this.session, session);
    return { action: "begin" };
  }

  /**
   * @param {{type: "offer"|"answer", sdp: string}} description
   * @param {number} session
   * @param {number} nowMs
   * @returns {Verdict}
   */
  #offered(description, session, nowMs) {
    if (this.offering) return { action: "drop", reason: "an offer to the offering side" };
    if (session <= this.session) return { action: "drop", reason: "of an older session" };
    this.session = session;
    this.#settingUp(nowMs);
    return { action: "apply", description, session };
  }
}
