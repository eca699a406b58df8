// SPDX-License-Identifier: Apache-2.0
/**
 * Choice of one guest avatar: a radio group of pictures.
 *
 * @import {Guest} from "../types.js"
 */

import { element } from "./dom.js";

export class AvatarPicker {
  /** @param {HTMLElement} container @param {(avatarId: string) => void} onChoice */
  constructor(container, onChoice) {
    this.container = container;
    this.onChoice = onChoice;
    /** @type {HTMLButtonElement[]} */
    this.buttons = [];
    container.addEventListener("keydown", (event) => this.#keyPressed(event));
  }

  /** @param {Guest[]} guests */
  setGuests(guests) {
    this.buttons = guests.map((guest) => {
      const picture = element("img", { src: `/static/guests/${guest.thumbnail}`, alt: "", width: "72", height: "72" });
      const button = element(
        "button",
        { type: "button", class: "avatar", role: "radio", "data-avatar-id": guest.avatar_id, "aria-checked": "false" },
        picture,
        element("span", {}, guest.name),
      );
      button.addEventListener("click", () => this.#choose(button));
      return button;
    });
    this.container.replaceChildren(...this.buttons);
  }

  /** Marks a choice without reporting it. @param {string|null} avatarId */
  setChosen(avatarId) {
    for (const button of this.buttons) {
      const chosen = button.dataset.avatarId === avatarId;
      button.setAttribute("aria-checked", String(chosen));
      button.tabIndex = chosen ? 0 : -1;
    }
    const first = this.buttons[0];
    if (first && !this.buttons.some((button) => button.tabIndex === 0)) first.tabIndex = 0;
  }

  /** @param {HTMLButtonElement} button */
  #choose(button) {
    const avatarId = button.dataset.avatarId ?? "";
    this.setChosen(avatarId);
    this.onChoice(avatarId);
  }

  /** @param {KeyboardEvent} event */
  #keyPressed(event) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const index = this.buttons.findIndex((button) => button === document.activeElement);
    if (step === undefined || index < 0) return;
    event.preventDefault();
    const next = this.buttons.at((index + step) % this.buttons.length);
    if (!next) return;
    next.focus();
    this.#choose(next);
  }
}
