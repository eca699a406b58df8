// SPDX-License-Identifier: Apache-2.0
/** Sentences for the person: a banner that stays while something is wrong, and short notices that go by themselves. */

import { byId, element, setText } from "./dom.js";

const NOTICE_MS = 6_000;
const MAX_NOTICES = 3;

export class Notices {
  constructor() {
    this.banner = byId("banner", HTMLElement);
    this.list = byId("notices", HTMLElement);
    this.announcements = byId("announcements", HTMLElement);
  }

  /** @param {string} text empty: no banner */
  setBanner(text) {
    setText(this.banner, text);
    this.banner.hidden = text === "";
  }

  /** Says sentences that only those need who do not see the tiles. @param {string[]} sentences */
  announce(sentences) {
    if (sentences.length > 0) this.announcements.replaceChildren(element("span", {}, sentences.join(" ")));
  }

  /**
   * @param {string} text
   * @param {"notice"|"error"} [kind]
   * @param {{label: string, run: () => void}} [action] a notice with a button stays until it is used
   */
  add(text, kind = "notice", action) {
    for (const old of this.list.children) if (old.firstChild?.textContent === text) old.remove();
    const notice = element("div", { class: `notice ${kind}` }, element("span", {}, text));
    if (action) {
      const button = element("button", { type: "button", class: "small" }, action.label);
      button.addEventListener("click", () => {
        notice.remove();
        action.run();
      });
      notice.append(button);
    } else {
      setTimeout(() => notice.remove(), NOTICE_MS);
    }
    this.list.append(notice);
    // One with a button is the only way to what it offers: it is not pushed out.
    const passing = [...this.list.children].filter((one) => !one.querySelector("button"));
    for (const old of passing.slice(0, Math.max(0, this.list.children.length - MAX_NOTICES))) old.remove();
  }
}
