// SPDX-License-Identifier: Apache-2.0
/**
 * The steps of a take: what the person is to do, for how long, and what is asked for once more. Times are passed in.
 */

/**
 * @typedef {object} TakeStep
 * @property {string} id
 * @property {string} title what to do
 * @property {string} detail how
 * @property {string} sign shown large over the picture, which is a mirror: arrows point where the person turns
 * @property {number} seconds
 * @property {readonly string[]} covers names of the client's `coverage` that this step brings
 */

/** @type {readonly TakeStep[]} */
export const STEPS = [
  {
    id: "front",
    title: "Look straight into the camera",
    detail: "Relax your face and close your mouth.",
    sign: "◉",
    seconds: 4,
    covers: [],
  },
  {
    id: "left",
    title: "Turn your head slowly to the left, and back",
    detail: "As far as you can still see the screen.",
    sign: "←",
    seconds: 4,
    covers: ["left"],
  },
  {
    id: "right",
    title: "Now slowly to the right, and back",
    detail: "As far as you can still see the screen.",
    sign: "→",
    seconds: 4,
    covers: ["right"],
  },
  {
    id: "up",
    title: "Lift your chin slowly, and back",
    detail: "Keep your eyes on the screen.",
    sign: "↑",
    seconds: 3,
    covers: ["up"],
  },
  {
    id: "down",
    title: "Lower your chin slowly, and back",
    detail: "Keep your eyes on the screen.",
    sign: "↓",
    seconds: 3,
    covers: ["down"],
  },
  {
    id: "tilt",
    title: "Tilt your head to one shoulder, then to the other",
    detail: "Your face keeps looking at the camera.",
    sign: "↶ ↷",
    seconds: 4,
    covers: ["tilt_left", "tilt_right"],
  },
  {
    id: "blink",
    title: "Blink three times, slowly",
    detail: "Close your eyes fully each time.",
    sign: "◡ ◡",
    seconds: 3,
    covers: ["blink"],
  },
  {
    id: "smile",
    title: "Smile broadly",
    detail: "Show your teeth.",
    sign: "☺",
    seconds: 3,
    covers: ["smile"],
  },
  {
    id: "open",
    title: "Open your mouth wide, and close it",
    detail: "Twice.",
    sign: "○",
    seconds: 3,
    covers: ["mouth"],
  },
  {
    id: "say",
    title: "Say: “Five boxing wizards jump quickly over my blue house.”",
    detail: "As you would to a friend. There is no sound in the recording.",
    sign: "“ ”",
    seconds: 5,
    covers: [],
  },
];

/** The meters, in the order in which they stand, and the names of the client's `coverage` that each one is made of. */
export const METERS = [
  { label: "Left", names: ["left"] },
  { label: "Right", names: ["right"] },
  { label: "Up", names: ["up"] },
  { label: "Down", names: ["down"] },
  { label: "Tilt", names: ["tilt_left", "tilt_right"] },
  { label: "Expressions", names: ["blink", "smile", "mouth"] },
];

/** So many steps are asked for again at most. */
const MAX_AGAIN = 4;

/**
 * The steps that bring what is missing, to be done once more.
 *
 * @param {readonly string[]} missing names of the client's `coverage`
 * @returns {TakeStep[]}
 */
export function stepsFor(missing) {
  return STEPS.filter(({ covers }) => covers.some((name) => missing.includes(name)))
    .slice(0, MAX_AGAIN)
    .map((step) => ({ ...step, title: `Once more: ${step.title[0]?.toLowerCase()}${step.title.slice(1)}` }));
}

/**
 * @typedef {object} TakeMoment
 * @property {TakeStep} step
 * @property {number} index of the step
 * @property {number} share of the step that is over, 0..1
 * @property {number} leftS seconds to the end of the take
 */

/** Goes through the steps by the clock; can be paused and made longer. */
export class TakeGuide {
  /**
   * @param {readonly TakeStep[]} steps
   * @param {number} [speed] above 1: quicker
   */
  constructor(steps, speed = 1) {
    this.steps = [...steps];
    this.speed = speed;
    this.doneMs = 0;
    /** @type {number|null} */
    this.runningSinceMs = null;
  }

  get isPaused() {
    return this.runningSinceMs === null;
  }

  /** Begins, or goes on after a pause. @param {number} nowMs */
  run(nowMs) {
    this.runningSinceMs ??= nowMs;
  }

  /** @param {number} nowMs */
  pause(nowMs) {
    this.doneMs = this.#spentMs(nowMs);
    this.runningSinceMs = null;
  }

  /** @param {readonly TakeStep[]} steps */
  extend(steps) {
    this.steps.push(...steps);
  }

  /** @param {number} nowMs @returns {TakeMoment|null} null: all steps are over */
  at(nowMs) {
    const spentS = this.#spentMs(nowMs) / 1000;
    let beginS = 0;
    for (const [index, step] of this.steps.entries()) {
      const lengthS = step.seconds / this.speed;
      if (spentS < beginS + lengthS) {
        return { step, index, share: (spentS - beginS) / lengthS, leftS: this.#totalS() - spentS };
      }
      beginS += lengthS;
    }
    return null;
  }

  #totalS() {
    return this.steps.reduce((sum, { seconds }) => sum + seconds, 0) / this.speed;
  }

  /** @param {number} nowMs */
  #spentMs(nowMs) {
    return this.doneMs + (this.runningSinceMs === null ? 0 : nowMs - this.runningSinceMs);
  }
}
