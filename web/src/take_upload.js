// SPDX-License-Identifier: Apache-2.0
/**
 * Sends a take over a data channel while it is being recorded: small pieces, no more under way than the line takes.
 */

/** A client takes no larger piece. */
export const CHUNK_BYTES = 16_384;
/** Bytes that wait in the browser; below the low mark more is read. */
const HIGH_WATER_BYTES = 1 << 20;
const LOW_WATER_BYTES = 1 << 18;
export class TakeUpload {
  /**
   * @param {RTCDataChannel} channel new, and this upload's alone
   * @param {string} kind MIME type
   */
  constructor(channel, kind) {
    this.channel = channel;
    /** Bytes handed over so far, and the sum of all parts. */
    this.sentBytes = 0;
    this.totalBytes = 0;
    this.isBroken = false;
    channel.binaryType = "arraybuffer";
    channel.bufferedAmountLowThreshold = LOW_WATER_BYTES;
    /** Parts go one after the other. @type {Promise<void>} */
    this.queue = this.#open().then(() => this.#send(JSON.stringify({ type: "begin", kind })));
  }

  /** @param {Blob} part */
  add(part) {
    this.totalBytes += part.size;
    this.#enqueue(async () => {
      const data = await part.arrayBuffer();
      for (let start = 0; start < data.byteLength; start += CHUNK_BYTES) {
        await this.#room();
        const chunk = data.slice(start, start + CHUNK_BYTES);
        this.#send(chunk);
        this.sentBytes += chunk.byteLength;
      }
    });
  }

  /** No part follows. @returns {Promise<void>} when everything has been handed over, or cannot be any more */
  end() {
    this.#enqueue(async () => this.#send(JSON.stringify({ type: "end", bytes: this.totalBytes })));
    return this.queue;
  }

  /** The client forgets what it has got. */
  abort() {
    this.isBroken = true;
    this.channel.close();
  }

  /** @param {() => Promise<void>} step */
  #enqueue(step) {
    this.queue = this.queue.then(async () => {
      if (this.isBroken) return;
      try {
        await step();
      } catch {
        this.isBroken = true; // the channel is gone; whoever waits sees it and may send again
      }
    });
  }

  async #open() {
    if (this.channel.readyState !== "connecting") return;
    await new Promise((resolve) => {
      this.channel.addEventListener("open", resolve, { once: true });
      this.channel.addEventListener("close", resolve, { once: true });
    });
  }

  async #room() {
    if (this.channel.readyState !== "open" || this.channel.bufferedAmount < HIGH_WATER_BYTES) return;
    await new Promise((resolve) => {
      this.channel.addEventListener("bufferedamountlow", resolve, { once: true });
      this.channel.addEventListener("close", resolve, { once: true });
    });
  }

  /** @param {string|ArrayBuffer} data */
  #send(data) {
    if (this.channel.readyState !== "open") {
      this.isBroken = true;
      return;
    }
    if (typeof data === "string") this.channel.send(data);
    else this.channel.send(data);
  }
}
