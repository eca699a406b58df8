// SPDX-License-Identifier: Apache-2.0
/** Single-key shortcuts, silent while someone types or a dialog is open, or when they are switched off. */

/**
 * @param {Record<string, () => void>} actions by lower-case key
 * @param {() => boolean} areOn speech input and slips of the hand press single keys by mistake
 */
export function bindShortcuts(actions, areOn) {
  document.addEventListener("keydown", (event) => {
    if (!areOn() || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (document.querySelector("dialog[open]")) return;
    if (event.target instanceof Element && event.target.closest("input, select, textarea")) return;
    const action = actions[event.key.toLowerCase()];
    if (!action) return;
    event.preventDefault();
    action();
  });
}
