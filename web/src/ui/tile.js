// SPDX-License-Identifier: Apache-2.0
/**
 * One person on screen: head, name, state in words.
 *
 * @import {View, ViewOptions} from "../types.js"
 */

import { HeadTools } from "./head_tools.js";
import { bindOrbit } from "./orbit.js";
import { element, icon, setText } from "./dom.js";

/** Level above which someone counts as speaking, and how long the mark stays after a pause. */
const SPEAKING_LEVEL = 0.02;
const SPEAKING_HOLD_MS = 600;

/**
 * @typedef {object} TileContent
 * @property {string} name
 * @property {boolean} muted
 * @property {boolean} cameraOn
 * @property {string} cover over a head that does not move; empty: nothing
 * @property {string} chip small remark; empty: none
 * @property {string} stats lines of figures; empty: none
 * @property {""|"verified"|"unverified"} [trust] whether the head is known to be its owner's
 * @property {string} [trustText] that in words
 */

export class Tile {
  /**
   * @param {string} memberId
   * @param {{mirrored: boolean, onView: (view: View & Partial<ViewOptions>) => void, onScreen?: () => void}} options
   *   `onScreen`: the head has taken the screen or left it; without it there are no buttons on the head
   */
  constructor(memberId, { mirrored, onView, onScreen }) {
    this.memberId = memberId;
    this.speakingUntilMs = 0;
    this.speaking = false;
    this.canvas = element("canvas", { width: "16", height: "16", "data-member-id": memberId, role: "img" });
    this.cover = element("p", { class: "tile-cover", hidden: true });
    this.chip = element("p", { class: "tile-chip", hidden: true });
    this.stats = element("pre", { class: "tile-stats", hidden: true });
    this.mutedIcon = element(
      "span",
      { class: "tile-flag", title: "Microphone off", hidden: true },
      icon("microphone-off"),
    );
    this.restIcon = element(
      "span",
      { class: "tile-flag", title: "Camera off: the head rests", hidden: true },
      icon("rest"),
    );
    this.trustIcons = {
      verified: element("span", { class: "tile-trust", hidden: true }, icon("verified")),
      unverified: element("span", { class: "tile-flag", hidden: true }, icon("unverified")),
    };
    this.name = element("span", { class: "tile-name" });
    this.element = element(
      "div",
      {
        role: "group",
        "aria-roledescription": "3D head",
        class: mirrored ? "tile mirrored" : "tile",
        tabindex: "0",
        title: "Drag to look around, double-click to reset",
      },
      this.canvas,
      this.cover,
      this.stats,
      element(
        "div",
        { class: "tile-label" },
        this.mutedIcon,
        this.restIcon,
        this.trustIcons.unverified,
        this.name,
        this.trustIcons.verified,
      ),
    );
    /** @type {HeadTools|null} */
    this.tools = null;
    const corner = element("div", { class: "tile-corner" }, this.chip);
    const orbit = bindOrbit(this.element, mirrored, (view) => onView({ ...view, ...this.tools?.options }));
    if (onScreen) {
      this.tools = new HeadTools(this.element, {
        onEyeContact: () => (this.tools?.options.eye_contact ? orbit.front() : orbit.again()),
        onScreen: () => {
          orbit.again();
          onScreen();
        },
      });
      corner.append(this.tools.element);
    }
    this.element.append(corner);
  }

  /** Side of the square picture that would show every pixel, CSS pixels; both eyes of a 3D picture share one. */
  get pictureSize() {
    const { clientWidth, clientHeight } = this.element;
    return this.tools?.options.stereo ? Math.min(clientWidth, 2 * clientHeight) : Math.min(clientWidth, clientHeight);
  }

  /** @param {TileContent} content */
  update({ name, muted, cameraOn, cover, chip, stats, trust = "", trustText = "" }) {
    setText(this.name, name);
    this.mutedIcon.hidden = !muted;
    this.restIcon.hidden = cameraOn;
    for (const [kind, mark] of Object.entries(this.trustIcons)) {
      mark.hidden = kind !== trust;
      mark.title = trustText;
    }
    show(this.cover, cover);
    show(this.chip, chip);
    show(this.stats, stats);
    this.element.classList.toggle("covered", cover !== "");
    const words = [name, muted && "microphone off", !cameraOn && "camera off", trustText, cover, chip];
    this.element.setAttribute("aria-label", `${words.filter(Boolean).join(", ")}. Arrow keys turn the head, 0 resets it.`);
    this.canvas.setAttribute("aria-label", `Head of ${name}`);
  }

  /** @param {number} level 0..1 @param {number} nowMs */
  setLevel(level, nowMs) {
    if (level > SPEAKING_LEVEL) this.speakingUntilMs = nowMs + SPEAKING_HOLD_MS;
    this.speaking = nowMs < this.speakingUntilMs;
    this.element.classList.toggle("speaking", this.speaking);
  }
}

/** @param {HTMLElement} node @param {string} text */
function show(node, text) {
  setText(node, text);
  node.hidden = text === "";
}
