// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";

import { CHUNK_BYTES, TakeUpload } from "../src/take_upload.js";

/** What the upload uses of a data channel; what is sent stays under way until `drain`. */
class FakeChannel extends EventTarget {
  constructor(readyState = "open") {
    super();
    this.readyState = readyState;
    this.binaryType = "blob";
    this.bufferedAmount = 0;
    this.bufferedAmountLowThreshold = 0;
    /** @type {(string|ArrayBuffer)[]} */
    this.sent = [];
  }

  /** @param {string|ArrayBuffer} data */
  send(data) {
    this.sent.push(data);
    this.bufferedAmount += typeof data === "string" ? data.length : data.byteLength;
  }

  drain() {
    this.bufferedAmount = 0;
    this.dispatchEvent(new Event("bufferedamountlow"));
  }

  close() {
    this.readyState = "closed";
    this.dispatchEvent(new Event("close"));
  }
}

const settled = async () => {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};
const upload = (/** @type {FakeChannel} */ channel) =>
  new TakeUpload(/** @type {RTCDataChannel} */ (/** @type {unknown} */ (channel)), "video/webm");
const texts = (/** @type {FakeChannel} */ channel) => channel.sent.filter((one) => typeof one === "string");
const bytes = (/** @type {FakeChannel} */ channel) =>
  channel.sent.flatMap((one) => (typeof one === "string" ? [] : [...new Uint8Array(one)]));

test("parts arrive in order and in small pieces, between begin and end", async () => {
  const channel = new FakeChannel();
  const sending = upload(channel);
  const first = new Uint8Array(2 * CHUNK_BYTES + 5).map((_, index) => index % 251);
  sending.add(new Blob([first]));
  sending.add(new Blob([new Uint8Array([1, 2, 3])]));
  await sending.end();
  assert.deepEqual(texts(channel), ['{"type":"begin","kind":"video/webm"}', `{"type":"end","bytes":${first.length + 3}}`]);
  assert.deepEqual(bytes(channel), [...first, 1, 2, 3]);
  assert.ok(channel.sent.every((one) => typeof one === "string" || one.byteLength <= CHUNK_BYTES));
  assert.equal(sending.sentBytes, first.length + 3);
  assert.equal(sending.isBroken, false);
});

test("it waits for the channel, and while the line is full", async () => {
  const channel = new FakeChannel("connecting");
  const sending = upload(channel);
  sending.add(new Blob([new Uint8Array(4 << 20)]));
  const ended = sending.end();
  await settled();
  assert.equal(channel.sent.length, 0);
  channel.readyState = "open";
  channel.dispatchEvent(new Event("open"));
  await settled();
  assert.ok(sending.sentBytes >= 1 << 20 && sending.sentBytes < (1 << 20) + 2 * CHUNK_BYTES);
  for (let turn = 0; turn < 5; turn += 1) {
    channel.drain();
    await settled();
  }
  await ended;
  assert.equal(sending.sentBytes, 4 << 20);
});

test("a channel that closes breaks it, whatever it waits for", async () => {
  for (const state of ["open", "connecting"]) {
    const channel = new FakeChannel(state);
    const sending = upload(channel);
    sending.add(new Blob([new Uint8Array(4 << 20)]));
    const ended = sending.end();
    await settled();
    channel.close();
    await ended;
    assert.equal(sending.isBroken, true);
    assert.equal(texts(channel).some((text) => String(text).includes("end")), false);
  }
});

test("nothing is sent after an abort", async () => {
  const channel = new FakeChannel();
  const sending = upload(channel);
  await settled();
  sending.abort();
  sending.add(new Blob([new Uint8Array(10)]));
  await sending.end();
  assert.deepEqual(texts(channel).length, 1);
  assert.equal(channel.readyState, "closed");
});
