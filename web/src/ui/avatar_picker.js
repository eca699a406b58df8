// SPDX-License-Identifier: Apache-2.0
/**
 * Choice of one guest avatar: a radio group of pictures.
 *
 * @import {Guest} from "../types.js"
 */

import { element } from "./dom.js";
import { RadioGroup } from "./radio_group.js";

export class AvatarPicker {
  /** @param {HTMLElement} container @param {(avatarId: string) => void} onChoice */
  constructor(container, onChoice) {
    this.group = new RadioGroup(container, onChoice);
  }

  /** @param {Guest[]} guests */
  setGuests(guests) {
    this.group.setButtons(
      guests.map(({ avatar_id: id, name, thumbnail }) =>
        element(
          "button",
          { type: "button", class: "avatar", role: "radio", value: id, "data-avatar-id": id, "aria-checked": "false" },
          element("img", { src: `/static/guests/${thumbnail}`, alt: "", width: "72", height: "72" }),
          element("span", {}, name),
        ),
      ),
    );
  }

  /** Marks a choice without reporting it. @param {string|null} avatarId */
  setChosen(avatarId) {
    this.group.setChosen(avatarId);
  }
}
