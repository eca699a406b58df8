// SPDX-License-Identifier: Apache-2.0
/**
 * Signaling socket of a page: hello, resume after a lost socket, patience while the server is away. Knows no DOM;
 * socket and timer are handed in.
 *
 * @import {Address, ClientMessage, ErrorMessage, ServerMessage, SignalData, SignalingState} from "./types.js"
 */

import { WireError, parseServerMessage } from "./wire.js";

const VERSION = 1;
const FIRST_DELAY_MS = 300;
const MAX_DELAY_MS = 5_000;
/** No welcome within this time: the socket is given up. */
const HELLO_TIMEOUT_MS = 8_000;
/** Errors after which trying again with the same data is pointless. */
const FINAL_ERRORS = new Set([
  "bad_version",
  "bad_message",
  "bad_origin",
  "bad_room",
  "bad_passcode",
  "bad_token",
  "not_joined",
  "replaced",
  "room_full",
  "too_many_rooms",
]);

/** A refusal by the server: `error_code` of docs/protocol.md and a sentence. */
export class ServerRefusal extends Error {
  /** @param {string} errorCode @param {string} detail */
  constructor(errorCode, detail) {
    super(detail);
    this.errorCode = errorCode;
  }
}

/**
 * @typedef {object} Socket what is used of a `WebSocket`
 * @property {((event: any) => void)|null} onopen
 * @property {((event: any) => void)|null} onmessage
 * @property {((event: any) => void)|null} onclose
 * @property {(text: string) => void} send
 * @property {(code?: number) => void} close
 *
 * @typedef {object} SignalingOptions
 * @property {() => Socket} createSocket
 * @property {() => Promise<string>} getToken a fresh join token; may throw `ServerRefusal`
 * @property {(message: ServerMessage) => void} onMessage every message but a final error
 * @property {(state: SignalingState) => void} onState
 * @property {(error: ServerRefusal) => void} onRefused the server refuses for good; the client is closed
 * @property {(run: () => void, ms: number) => unknown} [setTimer]
 * @property {(timer: any) => void} [clearTimer]
 * @property {() => number} [random] 0..1
 */

/**
 * Time to wait before a connection attempt.
 *
 * @param {number} attempt 0: the first retry
 * @param {number} random 0..1
 */
export function retryDelayMs(attempt, random) {
  return Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** attempt) * (0.5 + random / 2);
}

export class SignalingClient {
  /** @param {SignalingOptions} options */
  constructor(options) {
    this.options = options;
    this.setTimer = options.setTimer ?? ((run, ms) => setTimeout(run, ms));
    this.clearTimer = options.clearTimer ?? ((timer) => clearTimeout(timer));
    this.random = options.random ?? Math.random;
    /** @type {SignalingState} */
    this.state = "idle";
    /** @type {Socket|null} */
    this.socket = null;
    /** @type {string|null} */
    this.resumeToken = null;
    this.attempt = 0;
    /** Grows with every attempt and `close`, so that late callbacks of older ones are void. */
    this.generation = 0;
    /** @type {unknown} */
    this.timer = null;
    this.droppedMessages = 0;
  }

  /** Connects and stays connected until `close`. */
  connect() {
    if (this.state !== "idle" && this.state !== "closed") return;
    this.attempt = 0;
    this.#setState("connecting");
    void this.#open();
  }

  /**
   * Drops the socket and resumes at once: when the network is back, or when nothing comes back although the socket
   * looks open. A browser does not notice for minutes that the other end is gone.
   */
  reconnect() {
    if (this.state === "idle" || this.state === "closed") return;
    this.#drop();
    this.#setState("reconnecting");
    void this.#open();
  }

  /** Leaves the room for good. */
  close() {
    this.send({ type: "leave" });
    this.resumeToken = null;
    this.#drop();
    this.#setState("closed");
  }

  /**
   * Sends now or not at all: after a resume the caller says again what still holds.
   *
   * @param {ClientMessage} message
   * @returns {boolean} whether it was sent
   */
  send(message) {
    if (this.state !== "open" || !this.socket) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  /** @param {Address} to @param {SignalData} data */
  signal(to, data) {
    return this.send({ type: "signal", to, part: "page", data });
  }

  async #open() {
    const generation = ++this.generation;
    let token = this.resumeToken;
    if (token === null) {
      try {
        token = await this.options.getToken();
      } catch (error) {
        if (generation !== this.generation) return;
        if (error instanceof ServerRefusal) this.#refused(error);
        else this.#retry();
        return;
      }
      if (generation !== this.generation) return;
    }
    const hello = JSON.stringify({ type: "hello", version: VERSION, part: "page", token });
    const socket = this.options.createSocket();
    this.socket = socket;
    socket.onopen = () => socket.send(hello);
    socket.onmessage = (event) => {
      if (generation === this.generation) this.#received(event.data);
    };
    socket.onclose = () => {
      if (generation === this.generation) this.#retry();
    };
    this.timer = this.setTimer(() => this.#retry(), HELLO_TIMEOUT_MS);
  }

  /** @param {unknown} data */
  #received(data) {
    let message;
    try {
      message = typeof data === "string" ? parseServerMessage(data) : null;
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      message = null;
    }
    if (!message) {
      this.droppedMessages += 1;
    } else if (message.type === "welcome") {
      this.#stopTimer();
      this.attempt = 0;
      this.resumeToken = message.resume_token;
      this.#setState("open");
      this.options.onMessage(message);
    } else if (message.type === "error" && message.fatal) {
      this.#failed(message);
    } else {
      if (message.type === "joined") this.resumeToken = message.resume_token ?? this.resumeToken;
      this.options.onMessage(message);
    }
  }

  /** @param {ErrorMessage} error */
  #failed(error) {
    if (error.error_code === "bad_token" && this.resumeToken !== null) {
      this.resumeToken = null;
      this.#retry();
    } else if (FINAL_ERRORS.has(error.error_code)) {
      this.#refused(new ServerRefusal(error.error_code, error.detail));
    } else {
      this.options.onMessage(error);
      this.#retry();
    }
  }

  /** @param {ServerRefusal} error */
  #refused(error) {
    this.resumeToken = null;
    this.#drop();
    this.#setState("closed");
    this.options.onRefused(error);
  }

  #retry() {
    this.#drop();
    this.#setState("reconnecting");
    const delay = retryDelayMs(this.attempt, this.random());
    this.attempt += 1;
    this.timer = this.setTimer(() => void this.#open(), delay);
  }

  /** Forgets socket, timer and everything under way. */
  #drop() {
    this.generation += 1;
    this.#stopTimer();
    const socket = this.socket;
    this.socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  #stopTimer() {
    if (this.timer !== null) this.clearTimer(this.timer);
    this.timer = null;
  }

  /** @param {SignalingState} state */
  #setState(state) {
    if (state === this.state) return;
    this.state = state;
    this.options.onState(state);
  }
}
