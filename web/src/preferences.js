// SPDX-License-Identifier: Apache-2.0
/** What this browser remembers between visits. */

const KEY = "visavis";

/**
 * @typedef {object} Preferences
 * @property {string} name
 * @property {string} avatarId
 * @property {string} cameraId
 * @property {string} microphoneId
 * @property {string} speakerId
 */

/** @type {Preferences} */
const EMPTY = { name: "", avatarId: "", cameraId: "", microphoneId: "", speakerId: "" };

/** @returns {Preferences} */
export function loadPreferences() {
  let stored;
  try {
    stored = JSON.parse(localStorage.getItem(KEY) ?? "{}");
  } catch {
    stored = {}; // storage may be blocked, or written by something else
  }
  const known = { ...EMPTY };
  for (const name of /** @type {(keyof Preferences)[]} */ (Object.keys(EMPTY))) {
    if (typeof stored?.[name] === "string") known[name] = stored[name];
  }
  return known;
}

/** @param {Partial<Preferences>} changes */
export function savePreferences(changes) {
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...loadPreferences(), ...changes }));
  } catch {
    // A private window without storage: nothing is remembered, everything else works.
  }
}
