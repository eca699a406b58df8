// SPDX-License-Identifier: Apache-2.0
/**
 * Menus for camera, microphone and loudspeaker; used on the join screen and in the settings.
 *
 * @import {DeviceChoice, DeviceList} from "../devices.js"
 */

import { element } from "./dom.js";

/** @typedef {keyof DeviceChoice} ChoiceName */

/** @type {{choice: ChoiceName, list: keyof DeviceList, label: string}[]} */
const MENUS = [
  { choice: "cameraId", list: "cameras", label: "Camera" },
  { choice: "microphoneId", list: "microphones", label: "Microphone" },
  { choice: "speakerId", list: "speakers", label: "Loudspeaker" },
];

export class DeviceMenus {
  /**
   * @param {HTMLElement} container
   * @param {(choice: ChoiceName, deviceId: string) => void} onChoice
   */
  constructor(container, onChoice) {
    this.menus = MENUS.filter(({ choice }) => choice !== "speakerId" || canChooseSpeaker()).map((menu) => {
      const select = element("select", { class: "device", "data-device": menu.choice });
      select.addEventListener("change", () => onChoice(menu.choice, select.value));
      container.append(element("label", { class: "field" }, element("span", {}, menu.label), select));
      return { ...menu, select };
    });
  }

  /** @param {DeviceList} devices @param {DeviceChoice} choice */
  update(devices, choice) {
    for (const { select, list, choice: name, label } of this.menus) {
      const options = devices[list].map((device, index) =>
        element("option", { value: device.deviceId }, device.label || `${label} ${index + 1}`),
      );
      if (options.length === 0) options.push(element("option", { value: "" }, `No ${label.toLowerCase()} found`));
      select.replaceChildren(...options);
      select.disabled = devices[list].length === 0;
      if (devices[list].some((device) => device.deviceId === choice[name])) select.value = choice[name];
    }
  }
}

function canChooseSpeaker() {
  return "setSinkId" in HTMLMediaElement.prototype;
}
