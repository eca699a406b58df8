"""Records what a person would see: a tile of the page, as video."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.async_api import Page

_RECORD = """
async ([memberId, milliseconds]) => {
  const canvas = document.querySelector(`canvas[data-member-id="${memberId}"]`);
  const recorder = new MediaRecorder(canvas.captureStream(25), {
    mimeType: "video/webm;codecs=vp8", videoBitsPerSecond: 4_000_000,
  });
  const chunks = [];
  recorder.ondataavailable = (event) => chunks.push(event.data);
  const stopped = new Promise((resolve) => { recorder.onstop = resolve; });
  recorder.start();
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  recorder.stop();
  await stopped;
  const bytes = new Uint8Array(await new Blob(chunks).arrayBuffer());
  let text = "";
  for (let i = 0; i < bytes.length; i += 32768) text += String.fromCharCode(...bytes.subarray(i, i + 32768));
  return btoa(text);
}
"""


async def record_tile(page: Page, member_id: str, seconds: float) -> bytes:
    """A WebM of the pixels that the page shows for `member_id` (MediaRecorder on the tile's canvas)."""
    encoded = await page.evaluate(_RECORD, [member_id, seconds * 1000])
    return base64.b64decode(encoded)
