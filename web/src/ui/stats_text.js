// SPDX-License-Identifier: Apache-2.0
/**
 * Figures as lines of text.
 *
 * @import {Peer, TrackingMessage} from "../types.js"
 */

/** @typedef {import("../leg_stats.js").LegStats} LegStats */

/** @param {number} kbps */
const rate = (kbps) => kbps.toFixed(1).padStart(5);

/** The figures over one tile. @param {Peer} peer */
export function peerLines(peer) {
  return [
    `${peer.fps.toFixed(0)} fps   ${peer.render_ms.toFixed(1)} ms`,
    "kbit/s face  wire",
    `in    ${rate(peer.payload_kbps_in)} ${rate(peer.wire_kbps_in)}`,
    `out   ${rate(peer.payload_kbps_out)} ${rate(peer.wire_kbps_out)}`,
  ].join("\n");
}

/**
 * The figures of my own connection.
 *
 * @param {LegStats|null} leg
 * @param {TrackingMessage|null} tracking
 * @param {number} drawnFps
 */
export function legLines(leg, tracking, drawnFps) {
  const lines = [`drawn    ${drawnFps.toFixed(0)} fps`];
  if (leg) {
    lines.push(
      `heads    ${leg.atlasWidth} x ${leg.atlasHeight}, ${leg.atlasFps.toFixed(0)} fps, ${leg.atlasKbps.toFixed(0)} kbit/s`,
      `camera   ${leg.cameraWidth} x ${leg.cameraHeight}, ${leg.cameraFps.toFixed(0)} fps, ${leg.cameraKbps.toFixed(0)} kbit/s`,
      `way      ${leg.roundTripMs.toFixed(0)} ms, buffer ${leg.bufferMs.toFixed(0)} ms`,
    );
  }
  if (tracking) lines.push(`tracker  ${tracking.fps.toFixed(0)} fps, ${tracking.ms.toFixed(1)} ms, ${tracking.state}`);
  return lines.join("\n");
}
