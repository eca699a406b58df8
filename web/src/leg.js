// SPDX-License-Identifier: Apache-2.0
/**
 * Leg: the page's connection to its own client. Camera up, one video with all heads down, data channel `ui`.
 *
 * @import {LinkState, SignalData, UiCommandOut, UiMessageIn, UiMessageOut} from "./types.js"
 */

import { PeerLink } from "./peer_link.js";
import { WireError, parseUiMessage } from "./wire.js";

/** Enough for 480 x 360; more bits only add delay. A camera that records a take gives more, and is scaled down. */
const CAMERA_MAX_BITRATE_BPS = 600_000;
const CAMERA_MAX_HEIGHT_PX = 360;
const CAMERA_MAX_FPS = 25;

/**
 * @typedef {object} LegOptions
 * @property {() => RTCIceServer[]} iceServers
 * @property {(data: SignalData) => void} send
 * @property {(track: MediaStreamTrack) => void} onAtlas
 * @property {(message: UiMessageIn) => void} onUi
 * @property {(state: LinkState) => void} onState
 */

export class Leg {
  /** @param {LegOptions} options */
  constructor(options) {
    this.options = options;
    /** @type {MediaStreamTrack|null} */
    this.cameraTrack = null;
    /** @type {RTCRtpSender|null} */
    this.cameraSender = null;
    /** @type {RTCDataChannel|null} */
    this.channel = null;
    /**
     * Newest message of each subject, said again to a new client. A view is a subject per member.
     * @type {Map<string, UiMessageOut>}
     */
    this.wishes = new Map();
    this.droppedMessages = 0;
    /** Changes of the sender's parameters, one after the other. */
    this.tuning = Promise.resolve();
    this.link = new PeerLink({
      kind: "leg",
      offering: true,
      iceServers: options.iceServers,
      send: options.send,
      prepare: (pc) => this.#prepare(pc),
      onTrack: ({ track }) => options.onAtlas(track),
      onState: options.onState,
    });
  }

  /** @param {MediaStreamTrack|null} track */
  setCamera(track) {
    this.cameraTrack = track;
    if (track) track.contentHint = "motion";
    void this.cameraSender?.replaceTrack(track).catch(() => {});
    this.#tune();
  }

  /** Says it now and to every later client. @param {UiMessageOut} message */
  say(message) {
    this.wishes.set(message.type === "view" ? `view ${message.member_id}` : message.type, message);
    if (this.channel?.readyState === "open") this.channel.send(JSON.stringify(message));
  }

  /** Says it to the client that is there now, if one is. @param {UiCommandOut} command */
  tell(command) {
    if (this.channel?.readyState === "open") this.channel.send(JSON.stringify(command));
  }

  /** A channel for one take; null: there is no connection. */
  openTake() {
    const { connection } = this.link;
    return connection && this.channel?.readyState === "open" ? connection.createDataChannel("take") : null;
  }

  /** @param {string} memberId */
  forgetView(memberId) {
    this.wishes.delete(`view ${memberId}`);
  }

  stop() {
    this.link.stop();
    this.channel = null;
    this.cameraSender = null;
  }

  /** The protocol fixes the order: camera, atlas, `ui`. @param {RTCPeerConnection} pc */
  #prepare(pc) {
    const camera = pc.addTransceiver(this.cameraTrack ?? "video", {
      direction: "sendonly",
      sendEncodings: [{ maxBitrate: CAMERA_MAX_BITRATE_BPS, maxFramerate: CAMERA_MAX_FPS }],
    });
    preferVp8(camera);
    this.cameraSender = camera.sender;
    this.#tune();

    const atlas = pc.addTransceiver("video", { direction: "recvonly" });
    preferVp8(atlas);
    // Only a lower bound. That Chromium waits no longer than it must is the client's playout-delay (docs/protocol.md).
    if ("jitterBufferTarget" in atlas.receiver) atlas.receiver.jitterBufferTarget = 0;

    const channel = pc.createDataChannel("ui");
    this.channel = channel;
    channel.onopen = () => {
      for (const message of this.wishes.values()) channel.send(JSON.stringify(message));
    };
    channel.onmessage = (event) => this.#received(event.data);
  }

  #tune() {
    const { cameraSender: sender, cameraTrack: track } = this;
    if (sender) this.tuning = this.tuning.then(() => tuneCamera(sender, track));
  }

  /** @param {unknown} data */
  #received(data) {
    try {
      const message = typeof data === "string" ? parseUiMessage(data) : null;
      if (message) this.options.onUi(message);
      else this.droppedMessages += 1;
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.droppedMessages += 1;
    }
  }
}

/** @param {RTCRtpTransceiver} transceiver */
function preferVp8(transceiver) {
  const codecs = RTCRtpReceiver.getCapabilities("video")?.codecs;
  if (!codecs) return;
  const isVp8 = (/** @type {{mimeType: string}} */ codec) => codec.mimeType.toLowerCase() === "video/vp8";
  transceiver.setCodecPreferences([...codecs.filter(isVp8), ...codecs.filter((codec) => !isVp8(codec))]);
}

/**
 * A tracker would rather have a softer picture than a late one, and needs no large one.
 *
 * @param {RTCRtpSender} sender
 * @param {MediaStreamTrack|null} track
 */
async function tuneCamera(sender, track) {
  const parameters = /** @type {RTCRtpSendParameters & {degradationPreference?: string}} */ (sender.getParameters());
  parameters.degradationPreference = "maintain-framerate";
  const { height = CAMERA_MAX_HEIGHT_PX } = track?.getSettings() ?? {};
  for (const encoding of parameters.encodings) {
    encoding.scaleResolutionDownBy = Math.max(1, height / CAMERA_MAX_HEIGHT_PX);
  }
  await sender.setParameters(parameters).catch(() => {}); // not every browser knows the preference
}
