// SPDX-License-Identifier: Apache-2.0
/** Short tones: who looks away from the screen hears that the next step has begun. */

/** Hertz, one after the other. */
const TONES = { begin: [660, 880], step: [880], end: [880, 660, 880] };
const TONE_S = 0.12;
const LOUDNESS = 0.08;

/** @type {AudioContext|null} */
let context = null;

/** @param {keyof typeof TONES} kind */
export function chime(kind) {
  context ??= new AudioContext();
  void context.resume().catch(() => {});
  for (const [index, hertz] of TONES[kind].entries()) {
    const begin = context.currentTime + index * TONE_S;
    const gain = new GainNode(context, { gain: 0 });
    gain.gain.setValueAtTime(0, begin);
    gain.gain.linearRampToValueAtTime(LOUDNESS, begin + 0.02);
    gain.gain.linearRampToValueAtTime(0, begin + TONE_S);
    const tone = new OscillatorNode(context, { frequency: hertz });
    tone.connect(gain).connect(context.destination);
    tone.start(begin);
    tone.stop(begin + TONE_S);
  }
}
