// SPDX-License-Identifier: Apache-2.0
/**
 * Shell around one `RTCPeerConnection` at a time: carries out what `Negotiation` decides. A new session is always a new
 * connection, since aiortc cannot restart ICE (docs/protocol.md, `signal` data).
 *
 * @import {LinkState, SignalData} from "./types.js"
 */

import { Negotiation } from "./negotiation.js";

/**
 * @typedef {object} PeerLinkOptions
 * @property {"leg"|"voice"} kind
 * @property {boolean} offering
 * @property {() => RTCIceServer[]} iceServers
 * @property {(data: SignalData) => void} send
 * @property {(connection: RTCPeerConnection) => void} prepare called before an offer is made
 * @property {(connection: RTCPeerConnection) => void|Promise<void>} [accept] called between a received offer and the
 *   answer
 * @property {(event: RTCTrackEvent) => void} onTrack
 * @property {(state: LinkState) => void} onState
 */

export class PeerLink {
  /** @param {PeerLinkOptions} options */
  constructor(options) {
    this.options = options;
    // Unix milliseconds exceed every number used under the same member id before.
    this.negotiation = new Negotiation({ offering: options.offering, firstSession: Date.now() });
    /** @type {RTCPeerConnection|null} */
    this.connection = null;
    /** @type {LinkState} */
    this.state = "idle";
    this.wasLive = false;
    this.failures = 0;
    /** Descriptions and candidates are applied one after the other. */
    this.queue = Promise.resolve();
  }

  /** Offers, or starts to wait for an offer. */
  start() {
    if (this.options.offering) {
      this.#begin();
    } else if (this.negotiation.status === "idle") {
      this.negotiation.expect(performance.now());
      this.#setState("connecting");
    }
  }

  /** @param {SignalData} data */
  handle(data) {
    const verdict = this.negotiation.receive(data, performance.now());
    if (verdict.action === "begin") this.#begin();
    else if (verdict.action === "candidate") this.#enqueue((pc) => pc.addIceCandidate(verdict.candidate ?? undefined));
    else if (verdict.action === "apply" && verdict.description.type === "offer") this.#answer(verdict.description);
    else if (verdict.action === "apply") this.#enqueue((pc) => pc.setRemoteDescription(verdict.description));
  }

  /** Does what has become due. @param {boolean} canSignal without signaling nothing can be done and everything waits */
  tick(canSignal) {
    if (!canSignal) return;
    const due = this.negotiation.due(performance.now());
    if (due) this.#setState(this.wasLive ? "reconnecting" : "connecting");
    if (due === "begin") this.#begin();
    else if (due === "request") this.#send({ request: true });
  }

  /** Ends the connection; `start` begins anew. */
  stop() {
    this.negotiation.rest();
    this.#replace(null);
    this.wasLive = false;
    this.#setState("idle");
  }

  #begin() {
    const pc = this.#create();
    this.negotiation.begin(performance.now());
    this.#setState(this.wasLive ? "reconnecting" : "connecting");
    if (!pc) return;
    this.options.prepare(pc);
    this.#enqueue(async () => {
      await pc.setLocalDescription(await pc.createOffer());
      this.#describe(pc);
    });
  }

  /** @param {{type: "offer"|"answer", sdp: string}} offer */
  #answer(offer) {
    const pc = this.#create();
    this.#setState(this.wasLive ? "reconnecting" : "connecting");
    if (!pc) return;
    this.#enqueue(async () => {
      await pc.setRemoteDescription(offer);
      await this.options.accept?.(pc);
      await pc.setLocalDescription(await pc.createAnswer());
      this.#describe(pc);
    });
  }

  /** @param {RTCPeerConnection} pc */
  #describe(pc) {
    const description = pc.localDescription;
    if (pc !== this.connection || !description) return;
    const type = description.type === "answer" ? "answer" : "offer";
    this.#send({ description: { type, sdp: description.sdp } });
  }

  /** @returns {RTCPeerConnection|null} null: the browser refuses, and the attempt ends with its set-up time-out */
  #create() {
    let pc;
    try {
      pc = new RTCPeerConnection({ iceServers: this.options.iceServers() });
    } catch (error) {
      this.failures += 1;
      console.debug(`no ${this.options.kind} connection`, error);
      this.#replace(null);
      return null;
    }
    this.#replace(pc);
    pc.onicecandidate = ({ candidate }) => this.#send({ candidate: candidate ? candidate.toJSON() : null });
    pc.ontrack = (event) => this.options.onTrack(event);
    pc.onconnectionstatechange = () => this.#changed(pc.connectionState);
    return pc;
  }

  /** @param {RTCPeerConnection|null} pc */
  #replace(pc) {
    const old = this.connection;
    this.connection = pc;
    if (!old) return;
    old.onicecandidate = old.ontrack = old.onconnectionstatechange = null;
    old.close();
  }

  /** @param {RTCPeerConnectionState} state */
  #changed(state) {
    this.negotiation.connectionChanged(state, performance.now());
    if (state === "connected") {
      this.wasLive = true;
      this.#setState("live");
    } else if (this.negotiation.status === "broken") {
      this.#setState(this.wasLive ? "reconnecting" : "connecting");
    }
  }

  /**
   * @param {(pc: RTCPeerConnection) => Promise<unknown>} step skipped when its connection was replaced meanwhile; one
   *   that fails is left to the set-up time-out
   */
  #enqueue(step) {
    const pc = this.connection;
    this.queue = this.queue.then(async () => {
      if (!pc || pc !== this.connection) return;
      try {
        await step(pc);
      } catch (error) {
        if (pc !== this.connection) return;
        this.failures += 1;
        console.debug(`${this.options.kind} negotiation step failed`, error);
      }
    });
  }

  /** @param {Omit<SignalData, "kind"|"session">} body */
  #send(body) {
    this.options.send({ kind: this.options.kind, session: this.negotiation.session, ...body });
  }

  /** @param {LinkState} state */
  #setState(state) {
    if (state === this.state) return;
    this.state = state;
    this.options.onState(state);
  }
}
