// SPDX-License-Identifier: Apache-2.0
/**
 * One visit: owns signaling, leg, voice and devices, and keeps them in step with the room state. The user interface
 * calls its methods and reads its store; it touches no element.
 *
 * @import {BackgroundMessage, Member, MineMessage, OwnHead, ServerMessage, SignalData} from "./types.js"
 * @import {TileWish, UiMessageIn, View, ViewOptions} from "./types.js"
 */

import { Leg } from "./leg.js";
import { LevelMeter } from "./devices.js";
import { SignalingClient } from "./signaling.js";
import { Store, initialState, present } from "./state.js";
import { TakeUpload } from "./take_upload.js";
import { VoiceMesh } from "./voice.js";

const TICK_MS = 500;
/** A hosted client that takes longer than this to attach is reported as missing. */
const HOSTED_PATIENCE_MS = 5_000;
/** Errors which mean that the server does not count me among the room's members. */
const NOT_IN_ROOM = new Set(["room_full", "not_joined"]);

/**
 * @typedef {object} CallOptions
 * @property {string} room
 * @property {import("./devices.js").Devices} devices
 * @property {() => import("./signaling.js").Socket} createSocket
 * @property {() => Promise<string>} getToken
 * @property {(track: MediaStreamTrack) => void} onAtlas
 * @property {(text: string, kind: "notice"|"error") => void} onText a sentence for the person
 * @property {(mine: MineMessage) => void} [onMine] my client has my own head, or has not
 * @property {() => void} onSoundBlocked
 * @property {(error: import("./signaling.js").ServerRefusal) => void} onRefused the server lets me not in
 */

export class Call {
  /** @param {CallOptions} options */
  constructor(options) {
    this.options = options;
    this.devices = options.devices;
    this.store = new Store(initialState(options.room));
    /** @type {{name: string, avatarId: string|null}} */
    this.profile = { name: "", avatarId: null };
    this.meter = new LevelMeter();
    /** @type {RTCIceServer[]} */
    this.iceServers = [];
    this.welcomedAtMs = 0;
    this.signaling = new SignalingClient({
      createSocket: options.createSocket,
      getToken: options.getToken,
      onMessage: (message) => this.#fromServer(message),
      onState: (state) => this.store.dispatch({ type: "signaling_changed", state }),
      onRefused: (error) => {
        this.#shutOut(error.message);
        options.onRefused(error);
      },
    });
    this.leg = new Leg({
      iceServers: () => this.iceServers,
      send: (data) => this.#signalClient(data),
      onAtlas: options.onAtlas,
      onUi: (message) => this.#fromClient(message),
      onState: (state) => this.store.dispatch({ type: "leg_changed", state }),
    });
    this.voice = new VoiceMesh({
      iceServers: () => this.iceServers,
      send: (memberId, data) => this.signaling.signal({ member_id: memberId, part: "page" }, data),
      onBlocked: options.onSoundBlocked,
    });
    this.devices.onChange = (kind) => this.#deviceChanged(kind);
    this.leg.say({ type: "camera", on: false });
    setInterval(() => this.#tick(), TICK_MS);
  }

  get state() {
    return this.store.state;
  }

  /** Says hello, so that the preview runs; called once the question about the camera is answered. */
  connect() {
    this.signaling.connect();
  }

  /** @param {string|null} avatarId @param {string} [key] of a head of my own */
  chooseAvatar(avatarId, key) {
    this.profile.avatarId = avatarId;
    if (avatarId !== null) this.leg.say({ type: "avatar", avatar_id: avatarId, ...(key ? { key } : {}) });
    if (this.state.self) this.signaling.send({ type: "update", avatar_id: avatarId });
  }

  /** Enters the room, now or as soon as the server answers. @param {string} name */
  join(name) {
    this.profile.name = name;
    this.store.dispatch({ type: "join_pressed" });
    this.meter.resume();
    if (!this.#sendJoin()) this.connect();
  }

  /** @param {string} farewell sentence of the leave screen */
  leave(farewell) {
    this.signaling.close();
    this.leg.stop();
    this.voice.close();
    this.devices.close("camera");
    this.devices.close("microphone");
    this.store.dispatch({ type: "left", farewell });
  }

  /** Comes back from the leave screen. */
  async rejoin() {
    this.store.dispatch({ type: "returned" });
    this.join(this.profile.name);
    if (this.state.cameraOn) await this.devices.openBoth();
    else await this.devices.open("microphone");
  }

  /** @param {boolean} muted */
  setMuted(muted) {
    this.store.dispatch({ type: "media_changed", muted });
    if (this.devices.microphone) this.devices.microphone.enabled = !muted;
    if (!muted && !this.devices.microphone) void this.devices.open("microphone");
    this.#tellMedia();
  }

  /** Off closes the device, so that its light goes off. @param {boolean} on */
  setCamera(on) {
    this.store.dispatch({ type: "media_changed", cameraOn: on });
    if (on) void this.devices.open("camera");
    else this.devices.close("camera");
  }

  /** @param {string} memberId @param {View & Partial<ViewOptions>} view */
  look(memberId, view) {
    this.leg.say({ type: "view", member_id: memberId, ...view });
  }

  /** What stands behind all heads. @param {BackgroundMessage} background */
  showBehind(background) {
    this.leg.say(background);
  }

  /** @param {TileWish[]} tiles */
  showTiles(tiles) {
    this.leg.say({ type: "tiles", tiles });
  }

  /** Whether my client is to look at what my camera has seen of me, from nothing. @param {boolean} on */
  watchTake(on) {
    this.leg.say({ type: "enrolment_watch", on });
  }

  /** Begins to send a take; null: there is no client. @param {string} kind MIME type */
  sendTake(kind) {
    const channel = this.leg.openTake();
    if (channel) this.store.dispatch({ type: "take_begun" });
    return channel && new TakeUpload(channel, kind);
  }

  /** The head in the preview is mine from now on. */
  keepHead() {
    this.leg.tell({ type: "enrolment_keep" });
  }

  /** Take, work and preview go. */
  cancelHead() {
    this.leg.tell({ type: "enrolment_cancel" });
  }

  /** Asks every client whether it has my own head. @param {OwnHead} head */
  askForHead(head) {
    this.leg.say({ type: "mine", ...head });
  }

  /** Has my own head deleted. @param {OwnHead} head */
  forgetHead(head) {
    this.leg.tell({ type: "mine_forget", ...head });
  }

  /** Shows a sentence and remembers it. @param {string} text */
  complain(text) {
    this.store.dispatch({ type: "error_shown", text });
    this.options.onText(text, "error");
  }

  /** @param {ServerMessage} message */
  #fromServer(message) {
    const before = this.state;
    this.store.dispatch({ type: "server", message, nowMs: performance.now() });
    switch (message.type) {
      case "welcome":
        this.#welcomed(before.memberId, message);
        break;
      case "hosted":
        this.#hostedChanged(message.state);
        break;
      case "signal":
        this.#relayed(message.from.member_id, message.data);
        break;
      case "joined":
        this.#tellProfile(message.member);
        this.#updateVoice();
        break;
      case "notice":
        this.options.onText(message.text, "notice");
        break;
      case "error":
        this.#serverComplained(message);
        break;
      case "member_left":
        this.#departed(
          before.members.find((member) => member.member_id === message.member_id),
          message.reason,
        );
        this.#updateVoice();
        break;
      default:
        this.#updateVoice();
    }
  }

  /** @param {import("./types.js").ErrorMessage} error */
  #serverComplained(error) {
    if (error.error_code === "unknown_member") return; // my signal crossed with their leaving
    if (this.state.phase === "meeting" && NOT_IN_ROOM.has(error.error_code)) {
      this.#shutOut(error.detail); // others took the place while the server or I was away
      return;
    }
    if (this.state.joining) this.store.dispatch({ type: "refused", detail: error.detail });
    this.complain(error.detail);
  }

  /** @param {string|null} formerId @param {import("./types.js").WelcomeMessage} welcome */
  #welcomed(formerId, welcome) {
    this.iceServers = welcome.ice_servers;
    this.welcomedAtMs = performance.now();
    if (formerId !== null && formerId !== welcome.member_id) {
      this.leg.stop();
      this.voice.close();
    }
    this.#hostedChanged(welcome.hosted);
    if (this.state.joining || this.state.phase === "meeting") this.#sendJoin();
  }

  /** @param {import("./types.js").HostedState} hosted */
  #hostedChanged(hosted) {
    if (hosted === "lost") this.leg.stop();
    else if (hosted === "ready" && this.leg.link.state === "idle") this.leg.link.start();
  }

  /** @param {string} memberId @param {SignalData} data */
  #relayed(memberId, data) {
    if (data.kind === "leg" && memberId === this.state.memberId) this.leg.link.handle(data);
    else if (data.kind === "voice") this.voice.handle(memberId, data);
  }

  /** @param {Member|undefined} member @param {"left"|"lost"} reason */
  #departed(member, reason) {
    if (!member) return;
    this.leg.forgetView(member.member_id);
    if (reason === "left") this.options.onText(`${member.name} left.`, "notice");
  }

  /** @param {UiMessageIn} message */
  #fromClient(message) {
    if (message.type === "notice") this.options.onText(message.text, "notice");
    else if (message.type === "mine") this.options.onMine?.(message);
    else this.store.dispatch({ type: "ui", message });
  }

  #updateVoice() {
    if (this.state.self) this.voice.update(this.state.self, present(this.state));
  }

  /** @param {string} detail */
  #shutOut(detail) {
    this.leg.stop();
    if (this.state.phase === "meeting") this.leave(detail);
    else this.store.dispatch({ type: "refused", detail });
    this.store.dispatch({ type: "error_shown", text: detail });
  }

  #sendJoin() {
    return this.signaling.send({
      type: "join",
      name: this.profile.name,
      avatar_id: this.profile.avatarId,
      ...this.#media(),
    });
  }

  #media() {
    const { microphone, camera } = this.devices;
    return { muted: this.state.muted || !microphone, camera_on: this.state.cameraOn && camera !== null };
  }

  /** Tells server and client what microphone and camera do. */
  #tellMedia() {
    const media = this.#media();
    this.leg.say({ type: "camera", on: media.camera_on });
    const self = this.state.self;
    if (self && (self.muted !== media.muted || self.camera_on !== media.camera_on)) {
      this.signaling.send({ type: "update", ...media });
    }
  }

  /** Says what was changed after `join` went out and before the server answered. @param {Member} self */
  #tellProfile(self) {
    this.#tellMedia();
    const { avatarId } = this.profile;
    if (self.avatar_id !== avatarId) this.signaling.send({ type: "update", avatar_id: avatarId });
  }

  /** @param {import("./devices.js").DeviceKind} kind */
  #deviceChanged(kind) {
    const track = this.devices[kind];
    if (kind === "camera") {
      this.leg.setCamera(track);
      this.store.dispatch({ type: "media_changed", hasCamera: track !== null });
    } else {
      if (track) track.enabled = !this.state.muted;
      this.voice.setTrack(track);
      this.meter.listen(track);
      this.store.dispatch({ type: "media_changed", hasMicrophone: track !== null });
    }
    this.#tellMedia();
  }

  /** @param {SignalData} data */
  #signalClient(data) {
    const memberId = this.state.memberId;
    if (memberId !== null) this.signaling.signal({ member_id: memberId, part: "client" }, data);
  }

  #tick() {
    const canSignal = this.signaling.state === "open";
    const waitedMs = performance.now() - this.welcomedAtMs;
    if (
      canSignal &&
      this.state.hosted === "unknown" &&
      this.leg.link.state === "idle" &&
      waitedMs > HOSTED_PATIENCE_MS
    ) {
      this.store.dispatch({ type: "hosted_missing" });
    }
    const hostedIsThere = this.state.hosted !== "none" && this.state.hosted !== "lost";
    if (canSignal && hostedIsThere && this.leg.link.negotiation.takeSilence(performance.now())) {
      this.signaling.reconnect(); // the next attempt follows on a socket that is known to work
    }
    const isOpen = this.signaling.state === "open";
    this.leg.link.tick(isOpen && hostedIsThere);
    this.voice.tick(isOpen);
    this.store.dispatch({ type: "time_passed", nowMs: performance.now() });
    this.#updateVoice();
  }
}
