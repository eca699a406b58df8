// SPDX-License-Identifier: Apache-2.0
/** Choice of one head: a radio group of pictures. */

import { element } from "./dom.js";
import { RadioGroup } from "./radio_group.js";

/** @typedef {{avatarId: string, name: string, picture: string}} Head `picture`: an address, or empty */

export class AvatarPicker {
  /** @param {HTMLElement} container @param {(avatarId: string) => void} onChoice */
  constructor(container, onChoice) {
    this.group = new RadioGroup(container, onChoice);
  }

  /** @param {Head[]} heads */
  setHeads(heads) {
    this.group.setButtons(
      heads.map(({ avatarId: id, name, picture }) =>
        element(
          "button",
          { type: "button", class: "avatar", role: "radio", value: id, "data-avatar-id": id, "aria-checked": "false" },
          element("img", { src: picture || "/static/images/icon.svg", alt: "", width: "72", height: "72" }),
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
