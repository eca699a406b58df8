// SPDX-License-Identifier: Apache-2.0
/** Read-only view of the page for end-to-end tests and benchmarks: `window.visavis`. */

/**
 * @param {import("./call.js").Call} call
 * @param {import("./atlas_painter.js").AtlasPainter} painter
 * @param {import("./ui/page.js").Page} page
 */
export function exposeForTests(call, painter, page) {
  const hooks = {
    /** Room state, with `peers` as a list and the state of each voice connection. */
    state() {
      const state = structuredClone(call.state);
      const voices = Object.fromEntries([...call.voice.peers].map(([id, { link }]) => [id, link.state]));
      return { ...state, peers: Object.values(state.peers), voices };
    },
    /** Figures; times are `performance.now()` of this page. */
    stats() {
      return {
        tiles: painter.stats(),
        atlasFps: painter.fps(),
        joinClickedAt: page.joinClickedAt,
        leg: page.legStats,
        levels: Object.fromEntries([...call.voice.peers].map(([id, { level }]) => [id, level])),
      };
    },
  };
  Object.defineProperty(window, "visavis", { value: Object.freeze(hooks) });
}
