// SPDX-License-Identifier: Apache-2.0
/** Round buttons: icon, tooltip with the key, accessible name. */

import { icon } from "./dom.js";

/**
 * @param {HTMLButtonElement} button
 * @param {import("./dom.js").IconName} iconName
 * @param {string} label what a press does
 * @param {string} [key] shortcut
 */
export function dress(button, iconName, label, key) {
  if (button.getAttribute("aria-label") === label) return;
  button.replaceChildren(icon(iconName));
  button.setAttribute("aria-label", label);
  button.dataset.tip = key ? `${label} (${key.toUpperCase()})` : label;
  if (key) button.setAttribute("aria-keyshortcuts", key);
}

/** @param {HTMLButtonElement} button @param {boolean} muted */
export function dressMute(button, muted) {
  dress(button, muted ? "microphone-off" : "microphone", muted ? "Turn the microphone on" : "Mute", "m");
  button.classList.toggle("off", muted);
}

/** @param {HTMLButtonElement} button @param {boolean} on */
export function dressCamera(button, on) {
  dress(button, on ? "camera" : "camera-off", on ? "Turn the camera off" : "Turn the camera on", "v");
  button.classList.toggle("off", !on);
}
