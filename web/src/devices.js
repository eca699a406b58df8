// SPDX-License-Identifier: Apache-2.0
/**
 * Camera, microphone and loudspeaker of this machine.
 */

/** The tracker sees the face at 256 x 256 pixels, 25 times a second: more would only cost encoding and decoding. */
const CAMERA_CONSTRAINTS = { width: { ideal: 480 }, height: { ideal: 360 }, frameRate: { ideal: 25, max: 30 } };
/** Of the same shape as a take: who wears their own head is tracked by what the take has taught of lens and face. */
const WIDE_CONSTRAINTS = { ...CAMERA_CONSTRAINTS, width: { ideal: 640 } };
/** What a take for one's own head is recorded with. */
const TAKE_CONSTRAINTS = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 } };
const MICROPHONE_CONSTRAINTS = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

/**
 * @typedef {"camera"|"microphone"} DeviceKind
 * @typedef {{cameraId: string, microphoneId: string, speakerId: string}} DeviceChoice empty: the default device
 * @typedef {{cameras: MediaDeviceInfo[], microphones: MediaDeviceInfo[], speakers: MediaDeviceInfo[]}} DeviceList
 */

/**
 * Why camera and microphone cannot be used and what follows from it; one sentence for both when the reason is the same.
 *
 * @param {Record<DeviceKind, string|null>} problems names of the errors that getUserMedia threw
 * @param {{inMeeting?: boolean, kept?: DeviceKind[]}} [situation] `kept`: devices that are open nevertheless, since
 *   another one could not take their place
 * @returns {string[]}
 */
export function mediaProblemTexts({ camera, microphone }, { inMeeting = false, kept = [] } = {}) {
  if (camera !== null && camera === microphone && kept.length === 0) {
    const consequence = inMeeting
      ? "Your head rests, and you can listen."
      : "You can join without: your head will rest, and you can listen.";
    return [`${reason("camera and microphone", camera)} ${consequence}`];
  }
  const texts = [];
  if (camera !== null) {
    let consequence = inMeeting ? "Your head rests." : "You can join without it: your head will rest.";
    if (kept.includes("camera")) consequence = "The camera that was open before stays on.";
    texts.push(`${reason("the camera", camera)} ${consequence}`);
  }
  if (microphone !== null) {
    let consequence = inMeeting ? "You can listen." : "You can join without it and listen.";
    if (kept.includes("microphone")) consequence = "The microphone that was open before stays on.";
    texts.push(`${reason("the microphone", microphone)} ${consequence}`);
  }
  return texts;
}

/** @param {string} device @param {string} errorName */
function reason(device, errorName) {
  switch (errorName) {
    case "NotAllowedError":
    case "SecurityError":
      return `The browser does not let this page use ${device}; the icon next to the address changes that.`;
    case "NotFoundError":
    case "OverconstrainedError":
      return `No ${device.replace(/^the /, "")} found.`;
    case "NotReadableError":
    case "AbortError":
      return `Another program uses ${device}, or it does not answer.`;
    case "InsecureContext":
      return `Browsers give ${device} only to pages over https or on localhost.`;
    default:
      return `The browser could not open ${device} (${errorName}).`;
  }
}

/** Owns the open tracks. A device that opens closes the one of its kind that was open before; a failure does not. */
export class Devices {
  /** @param {DeviceChoice} choice */
  constructor(choice) {
    this.choice = choice;
    /** @type {MediaStreamTrack|null} */
    this.camera = null;
    /** @type {MediaStreamTrack|null} */
    this.microphone = null;
    /** @type {Record<DeviceKind, string|null>} name of the last error, until the device opens or is closed */
    this.problems = { camera: null, microphone: null };
    /** @type {(kind: DeviceKind) => void} */
    this.onChange = () => {};
    /** The camera is to record a take; else it is to have the shape of one. */
    this.detailed = false;
    this.wide = false;
    /** Attempts by kind: only the newest one's outcome counts. */
    this.attempts = { camera: 0, microphone: 0 };
  }

  /** Asks for both with one question, and for each alone when the pair is not to be had. */
  async openBoth() {
    const counts = [++this.attempts.camera, ++this.attempts.microphone];
    let stream;
    try {
      stream = await getUserMedia({ video: this.#constraints("camera"), audio: this.#constraints("microphone") });
    } catch {
      // Whoever has left meanwhile, or switched a device, does not want it opened by this old question.
      if (this.attempts.camera === counts[0]) await this.open("camera");
      if (this.attempts.microphone === counts[1]) await this.open("microphone");
      return;
    }
    for (const track of stream.getTracks()) {
      const kind = track.kind === "video" ? "camera" : "microphone";
      if (this.attempts[kind] === counts[kind === "camera" ? 0 : 1]) this.#adopt(kind, track);
      else track.stop();
    }
  }

  /** @param {DeviceKind} kind @returns {Promise<boolean>} whether it is open now */
  async open(kind) {
    const count = ++this.attempts[kind];
    const part = kind === "camera" ? "video" : "audio";
    try {
      const stream = await getUserMedia({ [part]: this.#constraints(kind) });
      const track = /** @type {MediaStreamTrack} */ (stream.getTracks()[0]);
      if (count === this.attempts[kind]) this.#adopt(kind, track);
      else track.stop();
    } catch (error) {
      if (count === this.attempts[kind]) this.#fail(kind, error instanceof Error ? error.name : "unknown error");
    }
    return this[kind] !== null;
  }

  /** Opens the camera anew with more pixels, or with the usual ones. @param {boolean} detailed */
  async setDetailed(detailed) {
    if (detailed === this.detailed) return;
    this.detailed = detailed;
    await this.#reopen();
  }

  /** Opens the camera anew in the shape of a take, or in the usual one. @param {boolean} wide */
  async setWide(wide) {
    if (wide === this.wide) return;
    this.wide = wide;
    if (!this.detailed) await this.#reopen();
  }

  async #reopen() {
    if (!this.camera) return;
    this.camera.onended = null;
    this.camera.stop(); // while it is open, browsers would give the same size again
    await this.open("camera");
  }

  /** Closes a device: its light goes off. @param {DeviceKind} kind */
  close(kind) {
    this.attempts[kind] += 1;
    this.problems[kind] = null;
    this.#set(kind, null);
  }

  /** @returns {Promise<DeviceList>} */
  async list() {
    const all = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
    const named = all.filter((device) => device.deviceId !== "");
    return {
      cameras: named.filter((device) => device.kind === "videoinput"),
      microphones: named.filter((device) => device.kind === "audioinput"),
      speakers: named.filter((device) => device.kind === "audiooutput"),
    };
  }

  /** @param {DeviceKind} kind @returns {MediaTrackConstraints} */
  #constraints(kind) {
    const id = kind === "camera" ? this.choice.cameraId : this.choice.microphoneId;
    const usual = this.wide ? WIDE_CONSTRAINTS : CAMERA_CONSTRAINTS;
    const camera = this.detailed ? TAKE_CONSTRAINTS : usual;
    const base = kind === "camera" ? camera : MICROPHONE_CONSTRAINTS;
    // "ideal": a device chosen last time may be unplugged today.
    return id ? { ...base, deviceId: { ideal: id } } : base;
  }

  /** @param {DeviceKind} kind @param {MediaStreamTrack} track */
  #adopt(kind, track) {
    track.onended = () => {
      if (this[kind] === track) this.#fail(kind, "NotReadableError");
    };
    this.problems[kind] = null;
    this.#set(kind, track);
  }

  /** @param {DeviceKind} kind @param {string} errorName */
  #fail(kind, errorName) {
    const open = this[kind];
    this.problems[kind] = errorName;
    this.#set(kind, open?.readyState === "live" ? open : null);
  }

  /** @param {DeviceKind} kind @param {MediaStreamTrack|null} track */
  #set(kind, track) {
    const old = this[kind];
    this[kind] = track;
    if (old && old !== track) {
      old.onended = null;
      old.stop();
    }
    this.onChange(kind);
  }
}

/** @param {MediaStreamConstraints} constraints */
async function getUserMedia(constraints) {
  if (!navigator.mediaDevices) throw Object.assign(new Error("no secure context"), { name: "InsecureContext" });
  return navigator.mediaDevices.getUserMedia(constraints);
}

/** Loudness of a microphone track, 0..1. */
export class LevelMeter {
  /** @type {AudioContext|null} */
  #context = null;
  /** @type {AnalyserNode|null} */
  #analyser = null;
  /** @type {MediaStreamAudioSourceNode|null} */
  #source = null;
  #samples = new Float32Array(512);

  /** @param {MediaStreamTrack|null} track */
  listen(track) {
    this.#source?.disconnect();
    this.#source = null;
    if (!track) return;
    this.#context ??= new AudioContext();
    if (!this.#analyser) {
      this.#analyser = this.#context.createAnalyser();
      this.#analyser.fftSize = this.#samples.length;
    }
    this.#source = this.#context.createMediaStreamSource(new MediaStream([track]));
    this.#source.connect(this.#analyser);
    this.resume();
  }

  /** Browsers start audio contexts silent before the first click. */
  resume() {
    if (this.#context?.state === "suspended") void this.#context.resume().catch(() => {});
  }

  level() {
    if (!this.#source || !this.#analyser) return 0;
    this.#analyser.getFloatTimeDomainData(this.#samples);
    let sum = 0;
    for (const sample of this.#samples) sum += sample * sample;
    return Math.min(1, Math.sqrt(sum / this.#samples.length) * 4);
  }
}
