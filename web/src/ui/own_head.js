// SPDX-License-Identifier: Apache-2.0
/**
 * The person's own head among those to choose from: remembered by the browser, offered where the client has it.
 *
 * @import {MineMessage} from "../types.js"
 */

import { savePreferences } from "../preferences.js";
import { byId } from "./dom.js";

const THUMBNAIL = { width: 144, height: 108 };
/** Of the tile, around the face. */
const FACE_SHARE = 0.62;
const THUMBNAIL_URL = /^data:image\/jpeg;base64,[A-Za-z0-9+/]+={0,2}$/;

/**
 * @typedef {object} OwnHeadHandlers
 * @property {(avatarId: string|null) => void} onChoose null: some guest, in place of a head that is not here
 * @property {() => void} onChange it is offered now, or no longer
 * @property {() => void} onMake
 */

export class OwnHead {
  /**
   * @param {import("../call.js").Call} call
   * @param {import("../preferences.js").Preferences} preferences
   * @param {HTMLCanvasElement} canvas shows the own head
   * @param {OwnHeadHandlers} handlers
   */
  constructor(call, preferences, canvas, handlers) {
    this.call = call;
    this.canvas = canvas;
    this.handlers = handlers;
    this.avatarId = preferences.mineId;
    this.key = preferences.mineKey;
    this.thumbnail = THUMBNAIL_URL.test(preferences.mineThumbnail) ? preferences.mineThumbnail : "";
    this.isHere = false;
    this.deleteButtons = ["delete-mine", "settings-delete-mine"].map((id) => byId(id, HTMLButtonElement));
    for (const button of this.deleteButtons) button.addEventListener("click", () => this.#delete());
    for (const id of ["make-mine-open", "settings-make-mine"]) {
      byId(id, HTMLButtonElement).addEventListener("click", handlers.onMake);
    }
    call.devices.wide = this.avatarId !== "" && preferences.avatarId === this.avatarId; // the camera is opened next
    if (this.avatarId) call.askForHead({ avatar_id: this.avatarId, key: this.key });
  }

  /** @param {string|null} avatarId */
  keyOf(avatarId) {
    return avatarId !== null && avatarId === this.avatarId ? this.key : "";
  }

  /** @param {MineMessage} mine */
  received(mine) {
    if (mine.kept) this.#kept(mine);
    else if (mine.avatar_id === this.avatarId) this.#found(mine.here);
  }

  /** @param {MineMessage} mine */
  #kept({ avatar_id: avatarId, key, replaces }) {
    const before = { avatar_id: this.avatarId, key: this.key };
    const isWorn = replaces === null || this.call.profile.avatarId === replaces;
    this.avatarId = avatarId;
    this.key = key;
    this.thumbnail = this.#snapshot();
    this.#remember();
    this.call.askForHead({ avatar_id: avatarId, key });
    this.#found(true);
    if (isWorn) this.handlers.onChoose(avatarId);
    if (before.avatar_id && before.avatar_id !== avatarId) this.call.forgetHead(before);
  }

  /** @param {boolean} isHere */
  #found(isHere) {
    this.isHere = isHere;
    for (const button of this.deleteButtons) button.hidden = !isHere;
    this.handlers.onChange();
    if (!isHere && this.call.profile.avatarId === this.avatarId) this.handlers.onChoose(null);
  }

  #delete() {
    if (!confirm("Delete your own head? You would have to record yourself again.")) return;
    const wasWorn = this.call.profile.avatarId === this.avatarId;
    this.call.forgetHead({ avatar_id: this.avatarId, key: this.key });
    this.avatarId = this.key = this.thumbnail = "";
    this.#remember();
    this.#found(false);
    if (wasWorn) this.handlers.onChoose(null);
  }

  #remember() {
    savePreferences({ mineId: this.avatarId, mineKey: this.key, mineThumbnail: this.thumbnail });
  }

  /** A small picture of what the own tile shows. */
  #snapshot() {
    const { width, height } = THUMBNAIL;
    const small = document.createElement("canvas");
    [small.width, small.height] = [width, height];
    const columns = this.canvas.width * FACE_SHARE;
    const rows = (columns * height) / width;
    const [left, top] = [(this.canvas.width - columns) / 2, (this.canvas.height - rows) * 0.4];
    small.getContext("2d")?.drawImage(this.canvas, left, top, columns, rows, 0, 0, width, height);
    return small.toDataURL("image/jpeg", 0.85);
  }
}
