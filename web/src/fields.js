// SPDX-License-Identifier: Apache-2.0
/** Strict reading of JSON objects: every getter checks the type and names the field that is wrong. */

/** A message that does not follow docs/protocol.md. */
export class WireError extends Error {}

/** @typedef {Record<string, unknown>} Fields */

/** @param {string} text @returns {Fields} */
export function parseObject(text) {
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    throw new WireError("The message is not JSON.");
  }
  return asObject(value, "message");
}

/** @param {unknown} value @param {string} what @returns {Fields} */
export function asObject(value, what) {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new WireError(`${what} is no object`);
  return /** @type {Fields} */ (value);
}

/** @param {Fields} fields @param {string} name */
export function text(fields, name) {
  const value = fields[name];
  if (typeof value !== "string") throw new WireError(`${name} is no text`);
  return value;
}

/** @param {Fields} fields @param {string} name @param {number} [fallback] */
export function number(fields, name, fallback) {
  const value = fields[name] ?? fallback;
  if (typeof value !== "number" || !Number.isFinite(value)) throw new WireError(`${name} is no number`);
  return value;
}

/** @param {Fields} fields @param {string} name */
export function list(fields, name) {
  const value = fields[name];
  if (!Array.isArray(value)) throw new WireError(`${name} is no list`);
  return /** @type {unknown[]} */ (value);
}

/**
 * @template {string} T
 * @param {Fields} fields @param {string} name @param {readonly T[]} values @returns {T}
 */
export function oneOf(fields, name, values) {
  const value = /** @type {T} */ (fields[name]);
  if (!values.includes(value)) throw new WireError(`${name} is none of ${values.join(", ")}`);
  return value;
}
