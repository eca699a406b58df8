// SPDX-License-Identifier: Apache-2.0
/** Settings of how heads are shown: what is behind them, and the form of the 3D picture. Remembered. */

import { DEFAULT_COLOR, PICTURE, backgroundMessage } from "../background.js";
import { savePreferences } from "../preferences.js";
import { BackgroundPicker } from "./background_picker.js";
import { byId } from "./dom.js";

/**
 * @typedef {object} LookOptions
 * @property {import("../call.js").Call} call
 * @property {import("../atlas_painter.js").AtlasPainter} painter
 * @property {import("./notices.js").Notices} notices
 * @property {import("../preferences.js").Preferences} preferences
 */

/** @param {LookOptions} options */
export function bindLookSettings(options) {
  bindBackground(options);
  bindStereoFormat(options);
}

/** @param {LookOptions} options */
function bindBackground({ call, notices, preferences }) {
  const { background, backgroundPicture } = preferences;
  const remembered = backgroundMessage(background, backgroundPicture);
  if (remembered && background !== DEFAULT_COLOR) call.showBehind(remembered);
  new BackgroundPicker(
    {
      choice: remembered ? background : DEFAULT_COLOR,
      pictureUrl: backgroundMessage(PICTURE, backgroundPicture) ? backgroundPicture : "",
    },
    {
      onChoice: (choice, pictureUrl) => {
        savePreferences({ background: choice, backgroundPicture: pictureUrl });
        const message = backgroundMessage(choice, pictureUrl);
        if (message) call.showBehind(message);
      },
      onProblem: (text) => notices.add(text, "error"),
    },
  );
}

/** @param {LookOptions} options */
function bindStereoFormat({ painter, preferences }) {
  const select = byId("stereo-format", HTMLSelectElement);
  const use = () => {
    painter.stereoFormat = select.value === "half" ? "half" : "full";
  };
  select.value = preferences.stereoFormat === "half" ? "half" : "full";
  use();
  select.addEventListener("change", () => {
    use();
    savePreferences({ stereoFormat: painter.stereoFormat });
  });
}
