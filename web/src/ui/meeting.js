// SPDX-License-Identifier: Apache-2.0
/**
 * Meeting: one tile for each other member, laid out so that the heads are as large as possible.
 *
 * @import {RoomState, View, ViewOptions} from "../types.js"
 */

import { gridLayout } from "../layout.js";
import { headcountText, tileText, tileTrust } from "../status.js";
import { peerLines } from "./stats_text.js";
import { byId, setText } from "./dom.js";
import { Tile } from "./tile.js";

/**
 * @typedef {object} MeetingHandlers
 * @property {(memberId: string, view: View & Partial<ViewOptions>) => void} onView
 * @property {(memberId: string, canvas: HTMLCanvasElement) => void} onTileAdded
 * @property {(memberId: string) => void} onTileRemoved
 * @property {() => void} onLayout tile sizes may have changed
 * @property {(memberId: string, stereo: boolean) => void} onStereo
 */

export class Meeting {
  /** @param {MeetingHandlers} handlers */
  constructor(handlers) {
    this.handlers = handlers;
    this.screen = byId("meeting", HTMLElement);
    this.stage = byId("stage", HTMLElement);
    this.grid = byId("grid", HTMLElement);
    this.alone = byId("alone", HTMLElement);
    this.selfCorner = byId("self-corner", HTMLElement);
    this.room = byId("toolbar-room", HTMLElement);
    this.headcount = byId("headcount", HTMLElement);
    /** @type {Map<string, Tile>} */
    this.tiles = new Map();
    this.showStats = false;
    /** Side of the largest square in a tile, CSS pixels. */
    this.headSize = 0;
    new ResizeObserver(() => this.#layOut()).observe(this.stage);
  }

  /** @param {RoomState} state */
  update(state) {
    const entered = this.screen.hidden && state.phase === "meeting";
    this.screen.hidden = state.phase !== "meeting";
    if (entered) this.stage.focus({ preventScroll: true });
    const members = state.phase === "meeting" ? state.members : [];
    const wanted = new Set(members.map((member) => member.member_id));
    let changed = false;
    for (const [memberId, tile] of this.tiles) {
      if (wanted.has(memberId)) continue;
      changed = true;
      tile.element.remove();
      this.tiles.delete(memberId);
      this.handlers.onTileRemoved(memberId);
    }
    for (const member of members) {
      const tile = this.tiles.get(member.member_id) ?? this.#add(member.member_id);
      changed ||= tile.element.parentElement === null;
      if (!tile.element.isConnected) this.grid.append(tile.element);
      const peer = state.peers[member.member_id];
      tile.update({
        name: member.name,
        muted: member.muted,
        cameraOn: member.camera_on,
        ...tileText(member, state),
        ...tileTrust(member, state),
        stats: this.showStats && peer ? peerLines(peer) : "",
      });
    }
    this.alone.hidden = state.phase !== "meeting" || members.length > 0;
    setText(this.room, state.room);
    setText(this.headcount, headcountText(members.filter((member) => !member.left).length + 1));
    if (changed) this.#layOut();
  }

  /** @param {string} memberId */
  #add(memberId) {
    const tile = new Tile(memberId, {
      mirrored: false,
      onView: (view) => this.handlers.onView(memberId, view),
      onScreen: () => {
        this.handlers.onStereo(memberId, tile.tools?.options.stereo ?? false);
        this.handlers.onLayout();
      },
    });
    this.tiles.set(memberId, tile);
    this.handlers.onTileAdded(memberId, tile.canvas);
    return tile;
  }

  /** The head that has the whole screen. @returns {Tile|null} */
  get full() {
    return [...this.tiles.values()].find((tile) => tile.tools?.full) ?? null;
  }

  /** Whom a key is meant for: the enlarged head, the focused one, or the only one. @returns {Tile|null} */
  get current() {
    const tiles = [...this.tiles.values()];
    const focused = tiles.find((tile) => tile.element.contains(document.activeElement));
    return this.full ?? focused ?? (tiles.length === 1 ? (tiles[0] ?? null) : null);
  }

  #layOut() {
    const { clientWidth, clientHeight } = this.stage;
    if (this.tiles.size > 0 && clientWidth > 0 && clientHeight > 0) {
      const gap = Number.parseFloat(getComputedStyle(this.grid).columnGap) || 0;
      const layout = gridLayout(this.tiles.size, clientWidth, clientHeight, gap);
      this.grid.style.setProperty("--tile-width", `${layout.tileWidth}px`);
      this.grid.style.setProperty("--tile-height", `${layout.tileHeight}px`);
      this.grid.style.setProperty("--head-size", `${layout.headSize}px`);
      this.grid.classList.toggle("wide", layout.tileWidth > layout.headSize + 1);
      this.grid.classList.toggle("tall", layout.tileHeight > layout.headSize + 1);
      this.headSize = layout.headSize;
    }
    this.handlers.onLayout();
  }
}
