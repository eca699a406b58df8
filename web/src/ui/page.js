// SPDX-License-Identifier: Apache-2.0
/**
 * Whole page: shows the call's state on the screens and turns what the person does into calls of `Call`.
 *
 * @import {Guest, RoomState, TileWish} from "../types.js"
 */

import { tileSizePx } from "../atlas.js";
import { mediaProblemTexts } from "../devices.js";
import { MakeMine } from "./make_mine.js";
import { OwnHead } from "./own_head.js";
import { LegStatsReader } from "../leg_stats.js";
import { savePreferences } from "../preferences.js";
import { announcements, bannerText, selfTileText } from "../status.js";
import { AvatarPicker } from "./avatar_picker.js";
import { copyText } from "./clipboard.js";
import { DeviceMenus } from "./device_menus.js";
import { byId, element, setText } from "./dom.js";
import { JoinScreen } from "./join_screen.js";
import { bindLookSettings } from "./look_settings.js";
import { Meeting } from "./meeting.js";
import { bindShortcuts } from "./shortcuts.js";
import { legLines } from "./stats_text.js";
import { Tile } from "./tile.js";
import { dress, dressCamera, dressMute } from "./toggles.js";

const LEVEL_INTERVAL_MS = 100;
const STATS_INTERVAL_MS = 1000;
/** Larger heads are drawn only where one has the whole screen. */
const MAX_SHARED_PX = 512;
/** @type {import("../devices.js").DeviceKind[]} */
const DEVICE_KINDS = ["camera", "microphone"];

/**
 * @typedef {object} PageOptions
 * @property {import("../call.js").Call} call
 * @property {import("../atlas_painter.js").AtlasPainter} painter
 * @property {import("./notices.js").Notices} notices
 * @property {import("../preferences.js").Preferences} preferences
 * @property {string} inviteLink
 * @property {number} takeSpeed of the steps of a recording for one's own head; 1, or more in tests
 * @property {(passcode: string) => void} onPasscode
 */

export class Page {
  /** @param {PageOptions} options */
  constructor(options) {
    this.options = options;
    this.call = options.call;
    /** @type {number|null} `performance.now()` */
    this.joinClickedAt = null;
    /** @type {import("../leg_stats.js").LegStats|null} */
    this.legStats = null;
    this.legStatsReader = new LegStatsReader();
    this.tilesSaid = "";
    const { call, painter, preferences } = options;

    this.join = new JoinScreen(
      { room: call.state.room, name: preferences.name },
      {
        onJoin: (name) => this.#join(name),
        onPasscode: options.onPasscode,
        onToggleMute: () => this.#toggleMute(),
        onToggleCamera: () => this.#toggleCamera(),
      },
    );
    this.self = new Tile("self", { mirrored: true, onView: (view) => call.look("self", view) });
    painter.add("self", this.self.canvas);
    this.meeting = new Meeting({
      onView: (memberId, view) => call.look(memberId, view),
      onTileAdded: (memberId, canvas) => painter.add(memberId, canvas),
      onTileRemoved: (memberId) => painter.remove(memberId),
      onLayout: () => this.#sayTiles(),
      onStereo: (memberId, stereo) => painter.setStereo(memberId, stereo),
    });
    this.pickers = ["avatars", "settings-avatars"].map(
      (id) => new AvatarPicker(byId(id, HTMLElement), (avatarId) => this.#chooseAvatar(avatarId)),
    );
    /** @type {Guest[]} */
    this.guests = [];
    this.makeMine = new MakeMine({
      call,
      speed: options.takeSpeed,
      wearsOwn: () => this.ownHead.keyOf(call.profile.avatarId) !== "",
      onChange: () => this.#placeSelf(call.state),
    });
    this.ownHead = new OwnHead(call, preferences, this.self.canvas, {
      onChoose: (avatarId) => this.#chooseAvatar(avatarId ?? this.guests[0]?.avatar_id ?? ""),
      onChange: () => this.#showHeads(),
      onMake: () => {
        byId("settings", HTMLDialogElement).close();
        void this.makeMine.open();
      },
    });
    this.menus = ["join-device-menus", "settings-device-menus"].map(
      (id) => new DeviceMenus(byId(id, HTMLElement), (choice, deviceId) => void this.#chooseDevice(choice, deviceId)),
    );
    bindLookSettings({ call, painter, notices: options.notices, preferences });
    this.legLines = byId("leg-stats", HTMLElement);
    this.#bindControls();
    call.store.subscribe((state, before) => {
      this.#update(state);
      options.notices.announce(announcements(state, before));
    });
    this.#watchDevices();
    this.#update(call.state);
    setInterval(() => void this.#showLevels(), LEVEL_INTERVAL_MS);
    setInterval(() => void this.#readStats(), STATS_INTERVAL_MS);
  }

  /** @param {Guest[]} guests @param {string} preferredId */
  setGuests(guests, preferredId) {
    this.guests = guests;
    this.#showHeads();
    const isKnown = this.ownHead.keyOf(preferredId) !== "" || guests.some((guest) => guest.avatar_id === preferredId);
    const chosen = isKnown ? preferredId : guests[Math.floor(Math.random() * guests.length)]?.avatar_id;
    if (chosen) this.#chooseAvatar(chosen);
  }

  /** The person's own head comes first, where there is one. */
  #showHeads() {
    const { avatarId, isHere, thumbnail } = this.ownHead;
    const guests = this.guests.map(({ avatar_id: id, name, thumbnail: file }) => ({
      avatarId: id,
      name,
      picture: `/static/guests/${file}`,
    }));
    const heads = isHere ? [{ avatarId, name: "Mine", picture: thumbnail }, ...guests] : guests;
    for (const picker of this.pickers) {
      picker.setHeads(heads);
      picker.setChosen(this.call.profile.avatarId);
    }
  }

  /** Device names are known only after the permission. */
  async listDevices() {
    const devices = await this.call.devices.list();
    const { camera, microphone, choice } = this.call.devices;
    const current = {
      cameraId: camera?.getSettings().deviceId ?? choice.cameraId,
      microphoneId: microphone?.getSettings().deviceId ?? choice.microphoneId,
      speakerId: choice.speakerId,
    };
    for (const menus of this.menus) menus.update(devices, current);
  }

  /** @param {RoomState} state */
  #update(state) {
    document.body.dataset.phase = state.phase;
    document.title = state.phase === "meeting" ? `${state.room} · visavis` : "visavis";
    this.#placeSelf(state);
    this.options.painter.atlas = state.atlas;
    this.self.update({
      name: state.self?.name ?? "You",
      muted: state.muted || !state.hasMicrophone,
      cameraOn: state.cameraOn && state.hasCamera,
      ...selfTileText(state),
      stats: "",
    });
    this.join.update(state);
    this.makeMine.update(state);
    this.meeting.update(state);
    byId("left-screen", HTMLElement).hidden = state.phase !== "left";
    setText(byId("farewell", HTMLElement), state.farewell);
    dressMute(byId("toggle-mute", HTMLButtonElement), state.muted || !state.hasMicrophone);
    dressCamera(byId("toggle-camera", HTMLButtonElement), state.cameraOn && state.hasCamera);
    this.options.notices.setBanner(bannerText(state));
    this.#sayTiles();
  }

  /** @param {RoomState} state */
  #placeSelf(state) {
    const corner = state.phase === "meeting" ? this.meeting.selfCorner : this.join.stage;
    const home = this.makeMine.showsPreview ? this.makeMine.previewHome : corner;
    if (this.self.element.parentElement === home) return;
    home.append(this.self.element);
    this.#sayTiles();
  }

  #bindControls() {
    const copy = () => void this.#copyLink();
    const leave = () => this.#leave();
    const stats = () => this.#toggleStats();
    /** @type {[string, import("./dom.js").IconName, string, string, () => void][]} */
    const buttons = [
      ["leave", "leave", "Leave", "l", leave],
      ["copy-invite", "link", "Copy the invite link", "i", copy],
      ["toggle-stats", "statistics", "Figures", "s", stats],
      ["open-settings", "settings", "Settings", "", () => byId("settings", HTMLDialogElement).showModal()],
    ];
    for (const [id, iconName, label, key, run] of buttons) {
      const button = byId(id, HTMLButtonElement);
      dress(button, iconName, label, key);
      button.addEventListener("click", run);
    }
    byId("toggle-mute", HTMLButtonElement).addEventListener("click", () => this.#toggleMute());
    byId("toggle-camera", HTMLButtonElement).addEventListener("click", () => this.#toggleCamera());
    byId("alone-copy", HTMLButtonElement).addEventListener("click", copy);
    byId("alone-link", HTMLInputElement).value = this.options.inviteLink;
    byId("rejoin", HTMLButtonElement).addEventListener("click", () => {
      this.joinClickedAt = performance.now();
      void this.call.rejoin();
    });
    document.addEventListener("pointerdown", () => this.call.meter.resume());
    const inMeeting = (/** @type {() => void} */ run) => () => {
      if (this.call.state.phase === "meeting") run();
    };
    const unlessLeft = (/** @type {() => void} */ run) => () => {
      if (this.call.state.phase !== "left") run();
    };
    const shortcuts = byId("shortcuts", HTMLInputElement);
    shortcuts.checked = this.options.preferences.shortcuts;
    shortcuts.addEventListener("change", () => savePreferences({ shortcuts: shortcuts.checked }));
    const actions = {
      m: unlessLeft(() => this.#toggleMute()),
      v: unlessLeft(() => this.#toggleCamera()),
      l: inMeeting(() => byId("leave", HTMLButtonElement).focus()), // a slip shall not end the call
      i: inMeeting(copy),
      s: inMeeting(stats),
      e: inMeeting(() => this.#withHead((tools) => tools.toggleEyeContact())),
      d: inMeeting(() => this.#withHead((tools) => tools.toggleStereo())),
      f: inMeeting(() => this.#withHead((tools) => tools.toggleFull())),
    };
    bindShortcuts(actions, () => shortcuts.checked);
  }

  /** @param {(tools: import("./head_tools.js").HeadTools) => void} run */
  #withHead(run) {
    const { current, tiles } = this.meeting;
    if (current?.tools) run(current.tools);
    else if (tiles.size > 0) this.options.notices.add("Choose a head first: press Tab until it is framed.");
  }

  #watchDevices() {
    const devices = this.call.devices;
    const tellCall = devices.onChange;
    devices.onChange = (kind) => {
      tellCall(kind);
      if (kind === "camera") {
        this.join.showCamera(devices.camera);
        this.makeMine.showCamera(devices.camera);
      }
      if (devices[kind]) void this.listDevices(); // a permission given late uncovers the names
      const inMeeting = this.call.state.phase === "meeting";
      const kept = DEVICE_KINDS.filter((one) => devices[one] !== null);
      const texts = mediaProblemTexts(devices.problems, { inMeeting, kept });
      this.join.showMediaProblems(texts);
      if (devices.problems[kind] && inMeeting) texts.forEach((text) => this.call.complain(text));
    };
    navigator.mediaDevices?.addEventListener("devicechange", () => void this.listDevices());
    if (this.call.devices.choice.speakerId) this.call.voice.setSpeaker(this.call.devices.choice.speakerId);
  }

  /** @param {string} name */
  #join(name) {
    this.joinClickedAt = performance.now();
    savePreferences({ name });
    this.call.join(name);
  }

  #leave() {
    this.call.leave(`Thank you for meeting in ${this.call.state.room}.`);
    byId("rejoin", HTMLButtonElement).focus();
  }

  /** @param {string} avatarId */
  #chooseAvatar(avatarId) {
    for (const picker of this.pickers) picker.setChosen(avatarId);
    savePreferences({ avatarId });
    const key = this.ownHead.keyOf(avatarId);
    this.call.chooseAvatar(avatarId, key);
    void this.call.devices.setWide(key !== "");
  }

  /** @param {import("./device_menus.js").ChoiceName} choice @param {string} deviceId */
  async #chooseDevice(choice, deviceId) {
    this.call.devices.choice[choice] = deviceId;
    savePreferences({ [choice]: deviceId });
    if (choice === "speakerId") this.call.voice.setSpeaker(deviceId);
    else if (choice === "microphoneId") await this.call.devices.open("microphone");
    else if (this.call.state.cameraOn) await this.call.devices.open("camera");
    await this.listDevices();
  }

  #toggleMute() {
    const { muted, hasMicrophone } = this.call.state;
    this.call.setMuted(!(muted || !hasMicrophone));
  }

  #toggleCamera() {
    const { cameraOn, hasCamera } = this.call.state;
    this.call.setCamera(!(cameraOn && hasCamera));
  }

  #toggleStats() {
    this.meeting.showStats = !this.meeting.showStats;
    byId("toggle-stats", HTMLButtonElement).setAttribute("aria-pressed", String(this.meeting.showStats));
    this.#showLegStats();
    this.#update(this.call.state);
  }

  async #copyLink() {
    const copied = await copyText(this.options.inviteLink);
    this.options.notices.add(copied ? "The invite link is copied." : `Invite link: ${this.options.inviteLink}`);
  }

  /** Tells the client which heads are on screen, how large, and who speaks; only when that changes. */
  #sayTiles() {
    const { phase } = this.call.state;
    if (phase === "left") return;
    const size = (/** @type {number} */ cssPx) => tileSizePx(Math.max(cssPx, 64), devicePixelRatio);
    const { full } = this.meeting;
    /** @type {TileWish[]} */
    const tiles = full
      ? [{ member_id: full.memberId, size_px: size(full.pictureSize) }]
      : [{ member_id: "self", size_px: size(this.self.element.clientWidth) }];
    for (const [memberId, { speaking }] of full ? [] : this.meeting.tiles) {
      const tile = { member_id: memberId, size_px: Math.min(size(this.meeting.headSize), MAX_SHARED_PX) };
      tiles.push(speaking ? { ...tile, speaking } : tile);
    }
    const said = JSON.stringify(tiles);
    if (said === this.tilesSaid) return;
    this.tilesSaid = said;
    this.call.showTiles(tiles);
  }

  async #showLevels() {
    const { phase, muted, members } = this.call.state;
    const level = muted ? 0 : this.call.meter.level();
    const nowMs = performance.now();
    if (phase === "join") this.join.setLevel(level);
    if (phase !== "meeting") return;
    await this.call.voice.measure();
    this.self.setLevel(level, nowMs);
    for (const [memberId, tile] of this.meeting.tiles) {
      const silent = members.find((member) => member.member_id === memberId)?.muted ?? true;
      tile.setLevel(silent ? 0 : (this.call.voice.peers.get(memberId)?.level ?? 0), nowMs);
    }
    this.#sayTiles();
  }

  async #readStats() {
    const connection = this.call.leg.link.connection;
    this.legStats = connection
      ? this.legStatsReader.read((await connection.getStats()).values(), performance.now())
      : null;
    this.#showLegStats();
  }

  #showLegStats() {
    const shown = this.meeting.showStats;
    this.legLines.hidden = !shown;
    if (!shown) return;
    const lines = legLines(this.legStats, this.call.state.tracking, this.options.painter.fps());
    this.legLines.replaceChildren(...lines.map((line) => element("li", {}, line)));
  }
}
