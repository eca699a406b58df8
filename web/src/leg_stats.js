// SPDX-License-Identifier: Apache-2.0
/** Figures of the leg from WebRTC statistics. */

/**
 * @typedef {object} LegStats
 * @property {number} atlasWidth
 * @property {number} atlasHeight
 * @property {number} atlasFps
 * @property {number} atlasKbps
 * @property {number} cameraWidth
 * @property {number} cameraHeight
 * @property {number} cameraFps
 * @property {number} cameraKbps
 * @property {number} roundTripMs
 * @property {number} bufferMs mean stay in the jitter buffer since the last reading
 */

/** Turns the counters of successive readings into rates. */
export class LegStatsReader {
  /** @type {Map<string, {value: number, atMs: number}>} */
  #last = new Map();

  /**
   * @param {Iterable<any>} reports values of an `RTCStatsReport`
   * @param {number} nowMs
   * @returns {LegStats}
   */
  read(reports, nowMs) {
    /** @type {LegStats} */
    const stats = {
      atlasWidth: 0,
      atlasHeight: 0,
      atlasFps: 0,
      atlasKbps: 0,
      cameraWidth: 0,
      cameraHeight: 0,
      cameraFps: 0,
      cameraKbps: 0,
      roundTripMs: 0,
      bufferMs: 0,
    };
    for (const report of reports) {
      if (report.type === "inbound-rtp" && report.kind === "video") {
        stats.atlasWidth = report.frameWidth ?? 0;
        stats.atlasHeight = report.frameHeight ?? 0;
        stats.atlasFps = report.framesPerSecond ?? 0;
        stats.atlasKbps = this.#perMs(`${report.id} bytes`, report.bytesReceived ?? 0, nowMs) * 8;
        const delay = this.#change(`${report.id} delay`, report.jitterBufferDelay ?? 0, nowMs);
        const emitted = this.#change(`${report.id} emitted`, report.jitterBufferEmittedCount ?? 0, nowMs);
        stats.bufferMs = emitted > 0 ? (1000 * delay) / emitted : 0;
      } else if (report.type === "outbound-rtp" && report.kind === "video") {
        stats.cameraWidth = report.frameWidth ?? 0;
        stats.cameraHeight = report.frameHeight ?? 0;
        stats.cameraFps = report.framesPerSecond ?? 0;
        stats.cameraKbps = this.#perMs(`${report.id} bytes`, report.bytesSent ?? 0, nowMs) * 8;
      } else if (report.type === "candidate-pair" && report.nominated && report.currentRoundTripTime !== undefined) {
        stats.roundTripMs = report.currentRoundTripTime * 1000;
      }
    }
    return stats;
  }

  /** @param {string} name @param {number} value @param {number} nowMs */
  #perMs(name, value, nowMs) {
    const last = this.#last.get(name);
    this.#last.set(name, { value, atMs: nowMs });
    return last && nowMs > last.atMs ? (value - last.value) / (nowMs - last.atMs) : 0;
  }

  /** @param {string} name @param {number} value @param {number} nowMs */
  #change(name, value, nowMs) {
    const last = this.#last.get(name);
    this.#last.set(name, { value, atMs: nowMs });
    return value - (last?.value ?? 0);
  }
}
