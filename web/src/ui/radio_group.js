// SPDX-License-Identifier: Apache-2.0
/** Buttons of which one is chosen: click, or arrow keys, as browsers do it for radio buttons. */

export class RadioGroup {
  /** @param {HTMLElement} container has the role `radiogroup` @param {(value: string) => void} onChoice */
  constructor(container, onChoice) {
    this.container = container;
    this.onChoice = onChoice;
    /** @type {HTMLButtonElement[]} */
    this.buttons = [];
    container.addEventListener("keydown", (event) => this.#keyPressed(event));
  }

  /** @param {HTMLButtonElement[]} buttons with a `value` and the role `radio` */
  setButtons(buttons) {
    this.buttons = buttons;
    for (const button of buttons) button.addEventListener("click", () => this.#choose(button));
    this.container.replaceChildren(...buttons);
  }

  /** Marks a choice without reporting it. @param {string|null} value */
  setChosen(value) {
    for (const button of this.buttons) {
      const chosen = button.value === value;
      button.setAttribute("aria-checked", String(chosen));
      button.tabIndex = chosen ? 0 : -1;
    }
    const first = this.buttons[0];
    if (first && !this.buttons.some((button) => button.tabIndex === 0)) first.tabIndex = 0;
  }

  /** @param {HTMLButtonElement} button */
  #choose(button) {
    this.setChosen(button.value);
    this.onChoice(button.value);
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
