// SPDX-License-Identifier: Apache-2.0
/**
 * What a client says about making one's own head (docs/protocol.md, "Make mine").
 *
 * @import {CoverageMessage, EnrolmentMessage, MineMessage} from "./types.js"
 */

import { asObject, list, number, oneOf, text } from "./fields.js";

/** @typedef {import("./fields.js").Fields} Fields */

const STATES = /** @type {const} */ (["none", "receiving", "queued", "working", "done", "failed"]);

/**
 * @param {string} type
 * @param {Fields} fields
 * @returns {CoverageMessage|EnrolmentMessage|MineMessage|null} null: a type that this version does not know
 * @throws {import("./fields.js").WireError}
 */
export function parseEnrolmentMessage(type, fields) {
  switch (type) {
    case "coverage":
      return { type, shares: shares(fields), missing: texts(fields, "missing"), hints: texts(fields, "hints") };
    case "enrolment":
      return {
        type,
        state: oneOf(fields, "state", STATES),
        received: number(fields, "received", 0),
        ahead: number(fields, "ahead", 0),
        stage: text(fields, "stage"),
        share: Math.min(1, Math.max(0, number(fields, "share", 0))),
        eta_s: maybe(fields, "eta_s", number),
        psnr_db: maybe(fields, "psnr_db", number),
        avatar_id: maybe(fields, "avatar_id", text),
        text: text(fields, "text"),
      };
    case "mine":
      return {
        type,
        avatar_id: text(fields, "avatar_id"),
        key: text(fields, "key"),
        here: fields.here === true,
        kept: fields.kept === true,
        replaces: maybe(fields, "replaces", text),
      };
    default:
      return null;
  }
}

/** @param {Fields} fields @returns {Record<string, number>} */
function shares(fields) {
  const values = asObject(fields.shares, "shares");
  return Object.fromEntries(Object.keys(values).map((name) => [name, Math.min(1, Math.max(0, number(values, name)))]));
}

/** @param {Fields} fields @param {string} name @returns {string[]} */
function texts(fields, name) {
  return list(fields, name).filter((value) => typeof value === "string");
}

/**
 * @template T
 * @param {Fields} fields @param {string} name @param {(fields: Fields, name: string) => T} read
 * @returns {T|null}
 */
function maybe(fields, name, read) {
  return fields[name] === null || fields[name] === undefined ? null : read(fields, name);
}
