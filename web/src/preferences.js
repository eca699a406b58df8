// SPDX-License-Identifier: Apache-2.0
/** What this browser remembers between visits. */

import { DEFAULT_COLOR } from "./background.js";

const KEY = "visavis";

/**
 * @typedef {object} Preferences
 * @property {string} name
 * @property {string} avatarId
 * @property {string} mineId my own head, or empty
 * @property {string} mineKey proves to a client that it is mine
 * @property {string} mineThumbnail data address of a small picture of it
 * @property {string} cameraId
 * @property {string} microphoneId
 * @property {string} speakerId
 * @property {boolean} shortcuts whether single keys do something
 * @property {string} background a color or `PICTURE` of background.js
 * @property {string} backgroundPicture the own picture, or empty
 * @property {string} stereoFormat a `StereoFormat`
 */

/** @type {Preferences} */
const EMPTY = {
  name: "",
  avatarId: "",
  mineId: "",
  mineKey: "",
  mineThumbnail: "",
  cameraId: "",
  microphoneId: "",
  speakerId: "",
  shortcuts: true,
  background: DEFAULT_COLOR,
  backgroundPicture: "",
  stereoFormat: "full",
};

/** @returns {Preferences} */
export function loadPreferences() {
  let stored;
  try {
    stored = JSON.parse(localStorage.getItem(KEY) ?? "{}");
  } catch {
    stored = {}; // storage may be blocked, or written by something else
  }
  const known = Object.entries(EMPTY).map(([name, initial]) => {
    const value = stored?.[name];
    return [name, typeof value === typeof initial ? value : initial];
  });
  return /** @type {Preferences} */ (Object.fromEntries(known));
}

/** @param {Partial<Preferences>} changes */
export function savePreferences(changes) {
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...loadPreferences(), ...changes }));
  } catch {
    // A private window without storage: nothing is remembered, everything else works.
  }
}
