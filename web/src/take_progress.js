// SPDX-License-Identifier: Apache-2.0
/**
 * How far an own head is, in words.
 *
 * @import {EnrolmentMessage} from "./types.js"
 */

/** @typedef {{share: number|null, text: string, warning: string, isDone: boolean}} TakeProgress null: not known */

/**
 * @param {EnrolmentMessage|null} enrolment
 * @param {{totalBytes: number}|null} upload
 * @returns {TakeProgress}
 */
export function progressOf(enrolment, upload) {
  const warning = enrolment?.text ?? "";
  const state = enrolment?.state ?? "none";
  if (state === "queued") {
    const ahead = enrolment?.ahead ?? 1;
    const text = ahead === 1 ? "One person comes first." : `${ahead} people come first.`;
    return { share: null, text, warning, isDone: false };
  }
  if (state === "working" && enrolment) {
    const words = [
      enrolment.stage && `${enrolment.stage[0]?.toUpperCase()}${enrolment.stage.slice(1)}`,
      `${Math.round(100 * enrolment.share)} %`,
      enrolment.eta_s !== null && enrolment.eta_s > 0 && `about ${Math.ceil(enrolment.eta_s / 5) * 5} s left`,
    ];
    return { share: enrolment.share, text: words.filter(Boolean).join(" · "), warning, isDone: false };
  }
  if (state === "done") return { share: 1, text: "Done.", warning, isDone: true };
  const total = upload?.totalBytes ?? 0;
  const received = enrolment?.received ?? 0;
  const share = total > 0 ? Math.min(1, received / total) : null;
  return { share, text: `Sending your recording · ${megabytes(received)} of ${megabytes(total)} MB`, warning, isDone: false };
}

/** @param {number} bytes */
function megabytes(bytes) {
  return (bytes / 1_000_000).toFixed(1);
}
