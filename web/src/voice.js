// SPDX-License-Identifier: Apache-2.0
/**
 * Voice: one audio connection to every other member's page (or bot).
 *
 * @import {Member, SignalData} from "./types.js"
 */

import { offersVoice } from "./negotiation.js";
import { PeerLink } from "./peer_link.js";

/**
 * @typedef {object} VoiceOptions
 * @property {() => RTCIceServer[]} iceServers
 * @property {(memberId: string, data: SignalData) => void} send
 * @property {() => void} onBlocked the browser wants a click before it plays sound
 *
 * @typedef {object} VoicePeer
 * @property {PeerLink} link
 * @property {HTMLAudioElement} audio
 * @property {RTCRtpSender|null} sender
 * @property {RTCRtpReceiver|null} receiver
 * @property {number} level 0..1
 */

export class VoiceMesh {
  /** @param {VoiceOptions} options */
  constructor(options) {
    this.options = options;
    /** @type {Map<string, VoicePeer>} */
    this.peers = new Map();
    /** @type {MediaStreamTrack|null} */
    this.track = null;
    this.sinkId = "";
  }

  /** Opens and closes connections so that they match the room. @param {Member} self @param {Member[]} others */
  update(self, others) {
    const wanted = new Map(others.map((member) => [member.member_id, member]));
    for (const memberId of [...this.peers.keys()]) if (!wanted.has(memberId)) this.#remove(memberId);
    for (const [memberId, member] of wanted)
      if (!this.peers.has(memberId)) this.#add(memberId, offersVoice(self, member));
  }

  /** @param {string} memberId @param {SignalData} data */
  handle(memberId, data) {
    this.peers.get(memberId)?.link.handle(data);
  }

  /** @param {boolean} canSignal */
  tick(canSignal) {
    for (const peer of this.peers.values()) peer.link.tick(canSignal);
  }

  /** @param {MediaStreamTrack|null} track */
  setTrack(track) {
    this.track = track;
    for (const peer of this.peers.values()) void peer.sender?.replaceTrack(track).catch(() => {});
  }

  /** Chooses the loudspeaker, where the browser can. @param {string} sinkId empty: the default one */
  setSpeaker(sinkId) {
    this.sinkId = sinkId;
    for (const peer of this.peers.values()) this.#route(peer.audio);
  }

  /** Plays what autoplay rules have held back; call it from a click. */
  resume() {
    for (const peer of this.peers.values()) if (peer.audio.srcObject) void peer.audio.play().catch(() => {});
  }

  close() {
    for (const memberId of [...this.peers.keys()]) this.#remove(memberId);
  }

  /**
   * Reads how loud everyone is. The packets' own level is free; a sender that sends none (aiortc) is measured through
   * the decoder's statistics.
   */
  async measure() {
    await Promise.all(
      [...this.peers.values()].map(async (peer) => {
        if (!peer.receiver || peer.link.state !== "live") {
          peer.level = 0;
          return;
        }
        const fromPackets = peer.receiver.getSynchronizationSources()[0]?.audioLevel;
        peer.level = fromPackets ?? (await decodedLevel(peer.receiver));
      }),
    );
  }

  /** @param {string} memberId @param {boolean} offering */
  #add(memberId, offering) {
    const audio = document.createElement("audio");
    audio.autoplay = true;
    this.#route(audio);
    const link = new PeerLink({
      kind: "voice",
      offering,
      iceServers: this.options.iceServers,
      send: (data) => this.options.send(memberId, data),
      prepare: (pc) => {
        peer.sender = pc.addTransceiver(this.track ?? "audio", { direction: "sendrecv" }).sender;
      },
      accept: async (pc) => {
        const transceiver = pc.getTransceivers().find(({ receiver }) => receiver.track.kind === "audio");
        if (!transceiver) return;
        transceiver.direction = "sendrecv";
        peer.sender = transceiver.sender;
        await transceiver.sender.replaceTrack(this.track);
      },
      onTrack: ({ track, receiver }) => {
        peer.receiver = receiver;
        audio.srcObject = new MediaStream([track]);
        audio.play().catch((error) => {
          if (error.name === "NotAllowedError") this.options.onBlocked();
        });
      },
      onState: () => {},
    });
    /** @type {VoicePeer} */
    const peer = { link, audio, sender: null, receiver: null, level: 0 };
    this.peers.set(memberId, peer);
    link.start();
  }

  /** @param {string} memberId */
  #remove(memberId) {
    const peer = this.peers.get(memberId);
    this.peers.delete(memberId);
    if (!peer) return;
    peer.link.stop();
    peer.audio.srcObject = null;
  }

  /** @param {HTMLAudioElement} audio */
  #route(audio) {
    if ("setSinkId" in audio) void audio.setSinkId(this.sinkId).catch(() => {});
  }
}

/** @param {RTCRtpReceiver} receiver */
async function decodedLevel(receiver) {
  for (const report of (await receiver.getStats()).values()) {
    if (report.type === "inbound-rtp" && typeof report.audioLevel === "number") return report.audioLevel;
  }
  return 0;
}
