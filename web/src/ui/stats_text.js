// SPDX-License-Identifier: Apache-2.0
/**
 * Figures as lines of text.
 *
 * @import {Peer, TrackingMessage} from "../types.js"
 */

/** @typedef {import("../leg_stats.js").LegStats} LegStats */

/** @param {number} kbps */
const rate = (kbps) => kbps.toFixed(1).padStart(5);

/** @param {number} fps @param {number} kbps */
const flow = (fps, kbps) => `${fps.toFixed(0)} fps ${kbps.toFixed(0)} kbit/s`;

/** The figures over one tile. @param {Peer} peer */
export function peerLines(peer) {
  return [
    `${peer.fps.toFixed(0)} fps   ${peer.render_ms.toFixed(1)} ms`,
    "kbit/s face  wire",
    `in    ${rate(peer.payload_kbps_in)} ${rate(peer.wire_kbps_in)}`,
    `out   ${rate(peer.payload_kbps_out)} ${rate(peer.wire_kbps_out)}`,
    `lost  ${peer.loss_pct_in.toFixed(0)} % in, ${peer.loss_pct_out.toFixed(0)} % out`,
    `wait  ${peer.playout_ms.toFixed(0)} ms${peer.rate_step ? `, slow link ${peer.rate_step}` : ""}`,
  ].join("\n");
}

/**
 * The figures of my own connection.
 *
 * @param {LegStats|null} leg
 * @param {TrackingMessage|null} tracking
 * @param {number} drawnFps
 * @returns {string[]}
 */
export function legLines(leg, tracking, drawnFps) {
  const lines = [];
  if (tracking) lines.push(`tracker ${tracking.fps.toFixed(0)} fps ${tracking.ms.toFixed(1)} ms`);
  if (leg) {
    lines.push(
      `camera ${leg.cameraWidth}×${leg.cameraHeight} ${flow(leg.cameraFps, leg.cameraKbps)}`,
      `heads ${leg.atlasWidth}×${leg.atlasHeight} ${flow(leg.atlasFps, leg.atlasKbps)}`,
      `round trip ${leg.roundTripMs.toFixed(0)} ms`,
      `buffer ${leg.bufferMs.toFixed(0)} ms`,
    );
  }
  return [...lines, `drawn ${drawnFps.toFixed(0)} fps`];
}
