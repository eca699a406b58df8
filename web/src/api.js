// SPDX-License-Identifier: Apache-2.0
/**
 * HTTP side of the server, and the page's own address.
 *
 * @import {PageAddress, ServerConfig} from "./types.js"
 */

import { ServerRefusal } from "./signaling.js";

const ROOM_NAME = /^[A-Za-z0-9_-]{1,64}$/;
export const DEFAULT_ROOM = "lobby";
/** A network that swallows everything answers never; asking again may find another way. */
const ANSWER_TIMEOUT_MS = 8_000;

/**
 * Reads room and secrets. Secrets belong into the fragment, which browsers send to no server.
 *
 * @param {{search: string, hash: string}} location
 * @returns {PageAddress}
 */
export function readAddress(location) {
  const query = new URLSearchParams(location.search);
  const fragment = new URLSearchParams(location.hash.replace(/^#/, ""));
  const room = query.get("room") ?? fragment.get("room") ?? DEFAULT_ROOM;
  return {
    room: ROOM_NAME.test(room) ? room : DEFAULT_ROOM,
    passcode: fragment.get("passcode"),
    invite: fragment.get("invite"),
    stamp: query.get("stamp") === "1",
  };
}

/**
 * Link for others. What came in the fragment goes on; a passcode that was typed in does not.
 *
 * @param {string} origin
 * @param {PageAddress} address
 */
export function inviteLink(origin, address) {
  const secrets = new URLSearchParams();
  if (address.invite !== null) secrets.set("invite", address.invite);
  if (address.passcode !== null) secrets.set("passcode", address.passcode);
  const fragment = secrets.toString();
  return `${origin}/?room=${address.room}${fragment ? `#${fragment}` : ""}`;
}

/** @returns {Promise<ServerConfig>} */
export async function fetchConfig() {
  const response = await fetch("/api/config", { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
  if (!response.ok) throw await refusal(response);
  const config = await response.json();
  return {
    guests: Array.isArray(config.guests) ? config.guests : [],
    passcode_needed: config.passcode_needed === true,
  };
}

/**
 * @param {string} room
 * @param {string|null} passcode
 * @param {string|null} invite
 * @returns {Promise<string>} a join token
 * @throws {ServerRefusal} when the server says no; other errors mean that it did not answer
 */
export async function fetchToken(room, passcode, invite) {
  const response = await fetch("/api/token", {
    method: "POST",
    signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ room, ...(passcode !== null && { passcode }), ...(invite !== null && { invite }) }),
  });
  if (!response.ok) throw await refusal(response);
  return (await response.json()).token;
}

/** @param {Response} response @returns {Promise<Error>} */
async function refusal(response) {
  if (response.status >= 500) return new Error(`The server answered ${response.status}.`);
  const body = await response.json().catch(() => ({}));
  const detail = typeof body.detail === "string" ? body.detail : `The server answered ${response.status}.`;
  return new ServerRefusal(typeof body.error_code === "string" ? body.error_code : "refused", detail);
}
