// SPDX-License-Identifier: Apache-2.0
/** Choice of what stands behind the heads: colors, and a picture of the person's own. */

import { COLORS, PICTURE, isLight } from "../background.js";
import { byId, element } from "./dom.js";
import { averageColor, readPicture } from "./picture_file.js";
import { RadioGroup } from "./radio_group.js";

/**
 * @typedef {object} BackgroundHandlers
 * @property {(choice: string, pictureUrl: string) => void} onChoice a color or `PICTURE`, and the own picture or empty
 * @property {(text: string) => void} onProblem a sentence for the person
 */

export class BackgroundPicker {
  /** @param {{choice: string, pictureUrl: string}} start usable ones @param {BackgroundHandlers} handlers */
  constructor({ choice, pictureUrl }, handlers) {
    this.handlers = handlers;
    this.pictureUrl = pictureUrl;
    this.choice = choice;
    this.group = new RadioGroup(byId("backgrounds", HTMLElement), (chosen) => this.#choose(chosen));
    const file = byId("background-file", HTMLInputElement);
    byId("background-choose", HTMLButtonElement).addEventListener("click", () => file.click());
    file.addEventListener("change", () => {
      const [picture] = file.files ?? [];
      if (picture) void this.#take(picture);
      file.value = ""; // the same file may be chosen again
    });
    this.#show();
  }

  /** @param {string} choice */
  #choose(choice) {
    this.choice = choice;
    void this.#paintTiles();
    this.handlers.onChoice(choice, this.pictureUrl);
  }

  /** @param {File} file */
  async #take(file) {
    const url = await readPicture(file);
    if (url === null) {
      this.handlers.onProblem("This file is no picture that the browser can read.");
      return;
    }
    this.pictureUrl = url;
    this.#choose(PICTURE);
    this.#show();
  }

  #show() {
    const choices = COLORS.map(({ color, name }) => ({ value: color, name, background: color }));
    const own = { value: PICTURE, name: "Your picture", background: `url("${this.pictureUrl}") center / cover` };
    const buttons = (this.pictureUrl ? [...choices, own] : choices).map(({ value, name, background }) => {
      const button = element("button", {
        type: "button",
        class: "swatch",
        role: "radio",
        value,
        "aria-label": name,
        title: name,
        "aria-checked": "false",
      });
      button.style.background = background;
      return button;
    });
    this.group.setButtons(buttons);
    this.group.setChosen(this.choice);
    void this.#paintTiles();
  }

  /** Tiles that are wider than their head go on in its color. */
  async #paintTiles() {
    const { choice } = this;
    const color = choice === PICTURE ? await averageColor(this.pictureUrl) : choice;
    if (color === null || choice !== this.choice) return;
    const style = document.documentElement.style;
    style.setProperty("--backdrop", color);
    style.setProperty("--on-backdrop", isLight(color) ? "#1b1e24" : "#eceef2");
  }
}
