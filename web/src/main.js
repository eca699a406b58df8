// SPDX-License-Identifier: Apache-2.0
/** Wires the parts: address, preferences and server on one side, the screens on the other, one `Call` between them. */

import { fetchConfig, fetchToken, inviteLink, readAddress } from "./api.js";
import { AtlasPainter } from "./atlas_painter.js";
import { Call } from "./call.js";
import { Devices } from "./devices.js";
import { loadPreferences } from "./preferences.js";
import { byId } from "./ui/dom.js";
import { Notices } from "./ui/notices.js";
import { Page } from "./ui/page.js";
import { exposeForTests } from "./test_hooks.js";

const address = readAddress(location);
const preferences = loadPreferences();
const notices = new Notices();
const painter = new AtlasPainter(byId("atlas-video", HTMLVideoElement), askForClick);
painter.stamp = address.stamp;

/** @type {{passcode: string|null, needed: boolean}} */
const door = { passcode: address.passcode, needed: false };

const call = new Call({
  room: address.room,
  devices: new Devices(preferences),
  createSocket: () => new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/ws`),
  getToken: () => fetchToken(address.room, door.passcode, address.invite),
  onMine: (mine) => page.ownHead.received(mine),
  onAtlas: (track) => painter.play(track),
  onRefused: (error) => {
    if (error.errorCode === "bad_passcode") page.join.askPasscode(); // the link's one is wrong, or it has none
  },
  onText: (text, kind) => notices.add(text, kind),
  onSoundBlocked: askForClick,
});
if (address.stamp) call.leg.say({ type: "stamp", on: true });

const page = new Page({
  call,
  painter,
  notices,
  preferences,
  inviteLink: inviteLink(location.origin, address),
  takeSpeed: takeSpeed(),
  onPasscode: (passcode) => {
    if (passcode === door.passcode || passcode === "") return;
    door.passcode = passcode;
    call.connect();
  },
});
exposeForTests(call, painter, page);

window.addEventListener("online", () => call.signaling.reconnect());
window.addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload(); // kept in the browser's history after it had left the room
});
window.addEventListener("pagehide", () => call.signaling.send({ type: "leave" }));

await Promise.all([prepareServer(), call.devices.openBoth()]);
await page.listDevices();
if (!door.needed || door.passcode !== null || address.invite !== null) call.connect();

/** Tests are in more of a hurry than people (docs/page.md). */
function takeSpeed() {
  const { visavisSettings: settings } = /** @type {{visavisSettings?: {takeSpeed?: number}}} */ (globalThis);
  return Math.max(1, Number(settings?.takeSpeed) || 1);
}

/** Sound and heads share one notice: the browser's reason is the same, and one click serves both. */
function askForClick() {
  notices.add("The browser holds sound and heads back until you click.", "notice", {
    label: "Play",
    run: () => {
      call.voice.resume();
      painter.resume();
    },
  });
}

/** Fetches what the join screen shows; while the server is away it keeps asking. */
async function prepareServer() {
  for (;;) {
    try {
      const config = await fetchConfig();
      door.needed = config.passcode_needed;
      if (door.needed && address.invite === null && door.passcode === null) page.join.askPasscode();
      page.setGuests(config.guests, preferences.avatarId);
      notices.setBanner("");
      return;
    } catch {
      notices.setBanner("The server does not answer. Trying again…");
      await new Promise((resolve) => setTimeout(resolve, 1500));
    }
  }
}
