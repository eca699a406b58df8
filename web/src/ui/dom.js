// SPDX-License-Identifier: Apache-2.0
/** Small helpers for building elements; text always goes in as text, never as markup. */

const SVG = "http://www.w3.org/2000/svg";

/** Strokes of the icons in a 24 x 24 box. */
const ICONS = {
  microphone: "M12 3a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3Z M5.5 11a6.5 6.5 0 0 0 13 0 M12 17.5V21 M8.5 21h7",
  "microphone-off":
    "M9 9v2a3 3 0 0 0 4.6 2.5 M15 11.5V6a3 3 0 0 0-5.8-1.1 M5.5 11a6.5 6.5 0 0 0 10.3 5.3" +
    " M18.5 11a6.5 6.5 0 0 1-.6 2.7 M12 17.5V21 M8.5 21h7 M4 3l16 18",
  camera: "M4.5 6.5h9a2 2 0 0 1 2 2v7a2 2 0 0 1-2 2h-9a2 2 0 0 1-2-2v-7a2 2 0 0 1 2-2Z M15.5 10.5l6-3v9l-6-3",
  "camera-off":
    "M15.5 12.8V8.5a2 2 0 0 0-2-2H9.2 M5.6 6.5H4.5a2 2 0 0 0-2 2v7a2 2 0 0 0 2 2h9a2 2 0 0 0 1.2-.4" +
    " M15.5 10.5l6-3v9l-3.2-1.6 M3.5 3.5l17 17",
  leave: "M9 4H5.5A1.5 1.5 0 0 0 4 5.5v13A1.5 1.5 0 0 0 5.5 20H9 M15 7.5l4.5 4.5-4.5 4.5 M19.5 12H9.5",
  statistics: "M4 20V11 M9.3 20V4 M14.6 20v-6 M20 20V8",
  link:
    "M10 14a4 4 0 0 0 5.7 0l3.1-3.1a4 4 0 0 0-5.7-5.7L11.6 6.7" +
    " M14 10a4 4 0 0 0-5.7 0l-3.1 3.1a4 4 0 0 0 5.7 5.7l1.5-1.5",
  settings: "M4 7h9 M19 7h1 M4 17h1 M11 17h9 M16 4.5v5 M8 14.5v5",
  eye: "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12Z M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6Z",
  stereo: "M3 6.5h8v11H3Z M13 6.5h8v11h-8Z",
  enlarge: "M4 9V4h5 M15 4h5v5 M20 15v5h-5 M9 20H4v-5",
  shrink: "M9 4v5H4 M20 9h-5V4 M15 20v-5h5 M4 15h5v5",
  rest: "M19.5 14.2A8 8 0 0 1 9.8 4.5 8 8 0 1 0 19.5 14.2Z",
  verified: "M12 3l7 2.5V11c0 4.6-2.9 8-7 10-4.1-2-7-5.4-7-10V5.5L12 3Z M8.8 11.8l2.3 2.3 4.1-4.4",
  unverified: "M12 3l7 2.5V11c0 4.6-2.9 8-7 10-4.1-2-7-5.4-7-10V5.5L12 3Z M12 8v4.5 M12 15.6v.2",
  sound: "M4 9.5v5h3.5L12 18.5v-13L7.5 9.5H4Z M15.5 9a4.2 4.2 0 0 1 0 6 M18 6.5a7.8 7.8 0 0 1 0 11",
};

/** @typedef {keyof typeof ICONS} IconName */

/** @param {IconName} name @returns {SVGSVGElement} */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string|boolean>} [attributes] true: present without a value, false: absent
 * @param {...(Node|string)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

/**
 * Element of index.html.
 *
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
export function byId(id, type) {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`index.html has no ${type.name} #${id}`);
  return found;
}

/**
 * Writes only what differs, so that screen readers are not told the same thing again.
 *
 * @param {Node} node
 * @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
