// SPDX-License-Identifier: Apache-2.0
/**
 * Buttons on a head: eye contact, the whole screen, and there one picture for each eye.
 *
 * @import {ViewOptions} from "../types.js"
 */

import { element } from "./dom.js";
import { dress } from "./toggles.js";

/** Buttons and pointer leave an enlarged head alone after this much rest. */
const REST_MS = 2_500;

/**
 * @typedef {object} HeadToolsHandlers
 * @property {() => void} onEyeContact it was turned on or off
 * @property {() => void} onScreen the head has taken the screen or left it, or stereo has changed
 */

export class HeadTools {
  /** @param {HTMLElement} tile @param {HeadToolsHandlers} handlers */
  constructor(tile, handlers) {
    this.tile = tile;
    this.handlers = handlers;
    /** @type {ViewOptions} */
    this.options = { eye_contact: false, stereo: false };
    this.full = false;
    this.restTimer = 0;
    const button = (/** @type {() => void} */ run) => {
      const node = element("button", { type: "button", class: "round" });
      node.addEventListener("click", run);
      return node;
    };
    this.eyeContactButton = button(() => this.toggleEyeContact());
    this.stereoButton = button(() => this.toggleStereo());
    this.fullButton = button(() => this.toggleFull());
    const buttons = [this.eyeContactButton, this.stereoButton, this.fullButton];
    this.element = element("div", { class: "tile-tools", title: "" }, ...buttons); // not the tile's title
    tile.addEventListener("fullscreenchange", () => {
      if (this.full && document.fullscreenElement !== tile) this.#setScreen(false, false);
    });
    tile.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.full) this.#setScreen(false, false); // where the browser has no full screen
    });
    tile.addEventListener("pointermove", () => this.#stir());
    this.#show();
  }

  toggleEyeContact() {
    this.options = { ...this.options, eye_contact: !this.options.eye_contact };
    this.#show();
    this.handlers.onEyeContact();
  }

  toggleFull() {
    this.#setScreen(!this.full, false);
  }

  /** Takes the whole screen too: two pictures in a small tile serve nobody. */
  toggleStereo() {
    this.#setScreen(true, !this.options.stereo);
  }

  /** @param {boolean} full @param {boolean} stereo */
  #setScreen(full, stereo) {
    if (full !== this.full) {
      this.full = full;
      if (full) {
        this.tile.requestFullscreen?.({ navigationUI: "hide" }).catch(() => {}); // then the window has to do
        this.tile.focus({ preventScroll: true });
      } else if (document.fullscreenElement === this.tile) {
        document.exitFullscreen().catch(() => {});
      }
    }
    this.options = { ...this.options, stereo };
    this.#stir();
    this.#show();
    this.handlers.onScreen();
  }

  #show() {
    const { eye_contact: eyeContact, stereo } = this.options;
    this.tile.classList.toggle("full", this.full);
    this.tile.classList.toggle("stereo", stereo);
    dress(this.eyeContactButton, "eye", "Eye contact", "e");
    dress(this.stereoButton, "stereo", "3D picture, side by side", "d");
    dress(this.fullButton, this.full ? "shrink" : "enlarge", this.full ? "Leave full screen" : "Full screen", "f");
    this.eyeContactButton.setAttribute("aria-pressed", String(eyeContact));
    this.stereoButton.setAttribute("aria-pressed", String(stereo));
  }

  #stir() {
    clearTimeout(this.restTimer);
    this.tile.classList.remove("resting");
    if (this.full) this.restTimer = window.setTimeout(() => this.tile.classList.add("resting"), REST_MS);
  }
}
