// SPDX-License-Identifier: Apache-2.0
/**
 * Gestures on a tile: drag, wheel, pinch and keys orbit its head; a double click or 0 looks from the front again.
 *
 * @import {View} from "../types.js"
 */

import { FRONT_VIEW, LatestThrottle, afterKey, dragged, wheeled, zoomed } from "../view_control.js";

const SEND_INTERVAL_MS = 33;

/**
 * @param {HTMLElement} tile
 * @param {boolean} mirrored the head is drawn as a mirror
 * @param {(view: View) => void} onView called at most 30 times a second, with the newest view last
 * @returns {{again: () => void, front: () => void}} `again` reports the view anew, `front` one from the front
 */
export function bindOrbit(tile, mirrored, onView) {
  /** @type {View} */
  let view = { ...FRONT_VIEW };
  const throttle = new LatestThrottle(onView, SEND_INTERVAL_MS);
  /** @type {Map<number, {x: number, y: number}>} */
  const pointers = new Map();

  /** @param {View} next */
  const look = (next) => {
    view = next;
    tile.classList.toggle("turned", view.yaw !== 0 || view.pitch !== 0 || view.distance !== 1);
    throttle.push(view);
  };
  const sizePx = () => Math.min(tile.clientWidth, tile.clientHeight);

  tile.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "mouse" && event.button !== 0) return;
    if (event.target instanceof Element && event.target.closest("button")) return;
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    tile.setPointerCapture(event.pointerId);
    tile.classList.add("dragging");
  });

  tile.addEventListener("pointermove", (event) => {
    const last = pointers.get(event.pointerId);
    if (!last) return;
    const here = { x: event.clientX, y: event.clientY };
    if (pointers.size === 1) {
      look(dragged(view, here.x - last.x, here.y - last.y, sizePx(), mirrored));
    } else {
      const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
      if (other) look(zoomed(view, span(last, other) / Math.max(1, span(here, other))));
    }
    pointers.set(event.pointerId, here);
  });

  for (const end of /** @type {const} */ (["pointerup", "pointercancel"])) {
    tile.addEventListener(end, (event) => {
      pointers.delete(event.pointerId);
      if (pointers.size === 0) tile.classList.remove("dragging");
    });
  }

  tile.addEventListener(
    "wheel",
    (event) => {
      if (event.ctrlKey) return; // the browser's own zoom
      event.preventDefault();
      const lineHeightPx = 16;
      look(wheeled(view, event.deltaMode === WheelEvent.DOM_DELTA_LINE ? event.deltaY * lineHeightPx : event.deltaY));
    },
    { passive: false },
  );

  tile.addEventListener("dblclick", (event) => {
    if (event.target instanceof Element && event.target.closest("button")) return;
    look({ ...FRONT_VIEW });
  });

  tile.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== tile) return;
    const next = afterKey(view, event.key, mirrored);
    if (!next) return;
    event.preventDefault();
    look(next);
  });

  return { again: () => look(view), front: () => look({ ...FRONT_VIEW, distance: view.distance }) };
}

/** @param {{x: number, y: number}} a @param {{x: number, y: number}} b */
function span(a, b) {
  return Math.hypot(a.x - b.x, a.y - b.y);
}
