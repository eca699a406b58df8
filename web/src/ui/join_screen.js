// SPDX-License-Identifier: Apache-2.0
/**
 * Join screen: name, head, check of camera and microphone.
 *
 * @import {RoomState} from "../types.js"
 */

import { byId, element, setText } from "./dom.js";
import { dressCamera, dressMute } from "./toggles.js";

/**
 * @typedef {object} JoinHandlers
 * @property {(name: string) => void} onJoin
 * @property {(passcode: string) => void} onPasscode
 * @property {() => void} onToggleMute
 * @property {() => void} onToggleCamera
 */

export class JoinScreen {
  /** @param {{room: string, name: string}} start @param {JoinHandlers} handlers */
  constructor({ room, name }, handlers) {
    this.screen = byId("join-screen", HTMLElement);
    this.name = byId("name", HTMLInputElement);
    this.passcodeField = byId("passcode-field", HTMLElement);
    this.passcode = byId("passcode", HTMLInputElement);
    this.button = byId("join", HTMLButtonElement);
    this.problem = byId("join-problem", HTMLElement);
    this.picture = byId("camera-picture", HTMLVideoElement);
    this.mute = byId("join-mute", HTMLButtonElement);
    this.camera = byId("join-camera", HTMLButtonElement);
    this.meter = byId("microphone-meter", HTMLElement);
    this.mediaProblems = byId("media-problems", HTMLElement);
    this.stage = byId("preview-stage", HTMLElement);

    setText(byId("room-name", HTMLElement), room);
    this.name.value = name;
    if (!name) this.name.focus({ preventScroll: true });
    this.mute.addEventListener("click", handlers.onToggleMute);
    this.camera.addEventListener("click", handlers.onToggleCamera);
    this.passcode.addEventListener("change", () => handlers.onPasscode(this.passcode.value));
    byId("join-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      const trimmed = this.name.value.trim();
      if (trimmed === "") {
        this.name.focus();
        return;
      }
      if (!this.passcodeField.hidden) handlers.onPasscode(this.passcode.value);
      handlers.onJoin(trimmed);
    });
  }

  askPasscode() {
    this.passcodeField.hidden = false;
    this.passcode.required = true;
  }

  /** @param {MediaStreamTrack|null} track */
  showCamera(track) {
    this.picture.hidden = track === null;
    this.picture.srcObject = track && new MediaStream([track]);
    if (track) void this.picture.play().catch(() => {}); // replaced before it played
  }

  /** @param {string[]} sentences */
  showMediaProblems(sentences) {
    this.mediaProblems.replaceChildren(...sentences.map((sentence) => element("p", {}, sentence)));
  }

  /** @param {RoomState} state */
  update(state) {
    this.screen.hidden = state.phase !== "join";
    this.button.disabled = state.joining;
    setText(this.button, state.joining ? "Joining…" : "Join");
    this.problem.hidden = state.failure === null;
    setText(this.problem, state.failure ?? "");
    dressMute(this.mute, state.muted || !state.hasMicrophone);
    dressCamera(this.camera, state.cameraOn && state.hasCamera);
  }

  /** @param {number} level 0..1 */
  setLevel(level) {
    this.meter.style.setProperty("--level", level.toFixed(2));
    this.meter.setAttribute("aria-valuenow", String(Math.round(level * 100)));
  }
}
