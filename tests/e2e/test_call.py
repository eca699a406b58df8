"""A whole call: Chromium with a fake camera, server, hosted client and bot, each in its own process."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.async_api import Page, expect

from visavis.bench.agreement import Agreement, compare
from visavis.bench.browser import join, member_id, open_browser, open_page, wait_for_heads
from visavis.bench.media import face_motion
from visavis.bench.recording import record_tile
from visavis.local_room import LocalRoom, open_room
from visavis.processes import free_port

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

JAW_CORRELATION = 0.8
YAW_CORRELATION = 0.9
RECORD_S = 31.0
"""One round of the recording, so that its three blinks are in it."""


PICTURE = """(canvas) => {
  const small = new OffscreenCanvas(64, 64).getContext("2d");
  small.drawImage(canvas, 0, 0, 64, 64);
  return [...small.getImageData(0, 0, 64, 64).data];
}"""
"""What a tile shows, shrunk to 64x64 RGBA."""
FRAMES_APART = 30


@asynccontextmanager
async def room() -> AsyncIterator[LocalRoom]:
    lines: list[str] = []
    try:
        async with open_room(port=free_port(), room="e2e", on_line=lambda n, t: lines.append(f"{n}: {t}")) as opened:
            yield opened
    finally:
        print("\n".join(lines[-40:]))


async def frames_more(page: Page, head: str, count: int) -> None:
    """Waits until a tile has been drawn `count` times more."""
    drawn = await page.evaluate("(id) => window.visavis.stats().tiles[id].frames", head)
    await page.wait_for_function(
        "([id, n]) => window.visavis.stats().tiles[id].frames > n", arg=[head, drawn + count], timeout=20_000
    )


def check(direction: str, agreement: Agreement, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(
            f"\n{direction}: jaw {agreement.jaw_correlation:.3f}, yaw {agreement.yaw_correlation:.3f}, "
            f"blinks {agreement.blinks_seen} of {agreement.blinks_source}"
        )
    assert agreement.jaw_correlation >= JAW_CORRELATION
    assert agreement.yaw_correlation >= YAW_CORRELATION
    assert agreement.blinks_source > 0
    assert agreement.blinks_seen >= 0.5 * agreement.blinks_source


async def test_faces_move_like_their_sources_in_both_directions(
    recording: Path, fake_camera: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seen_by_bot, seen_in_page = tmp_path / "seen_by_bot.mp4", tmp_path / "seen_in_page.webm"
    async with room() as opened, open_browser(fake_camera) as browser:
        await opened.start_bot("Bot", recording, "--record", str(seen_by_bot))
        await opened.wait_for_members(1)
        page = await open_page(browser, opened.page_url)
        await join(page, "Ada")
        await wait_for_heads(page, 1)
        recorded = await record_tile(page, await member_id(page, "Bot"), RECORD_S)
        await page.context.close()
        await opened.stop("Bot")
    seen_in_page.write_bytes(recorded)
    source = face_motion(recording)
    check("bot to browser", compare(source, face_motion(seen_in_page)), capsys)
    check("browser to bot", compare(source, face_motion(seen_by_bot)), capsys)


async def test_voices_are_heard(speaking_recording: Path, fake_camera: Path) -> None:
    async with room() as opened, open_browser(fake_camera) as browser:
        await opened.start_bot("Speaker", speaking_recording)
        first = await open_page(browser, opened.page_url)
        await join(first, "Ada")
        second = await open_page(browser, opened.page_url)
        await join(second, "Noor")
        for page in (first, second):
            await page.wait_for_function(
                "() => Object.values(window.visavis.stats().levels).filter((level) => level > 0.01).length >= 2",
                timeout=30_000,
            )


async def test_a_refused_camera_still_joins_and_says_so(recording: Path) -> None:
    async with room() as opened, open_browser() as browser:
        await opened.start_bot("Bot", recording)
        page = await open_page(browser, opened.page_url, permissions=())
        await expect(page.locator("#media-problems p")).to_contain_text("camera")
        await join(page, "Ada", preview=False)
        await wait_for_heads(page, 1)
        members = await page.evaluate("window.visavis.state().members.map((m) => m.name)")
        assert members == ["Bot"]


async def test_server_restart_is_said_and_survived(recording: Path, fake_camera: Path) -> None:
    async with room() as opened, open_browser(fake_camera) as browser:
        await opened.start_bot("Bot", recording)
        page = await open_page(browser, opened.page_url)
        await join(page, "Ada")
        (head,) = await wait_for_heads(page, 1)
        port = opened.url.rsplit(":", 1)[1]
        await opened.stop("server")
        await page.wait_for_function(
            "() => document.body.innerText.toLowerCase().includes('reconnecting')", timeout=20_000
        )
        await frames_more(page, head, 25)
        await opened.start("server", ["serve", "--host", "127.0.0.1", "--port", port, "--hosted", "0"])
        await opened.wait_for_members(2)
        await page.wait_for_function(
            "() => !document.body.innerText.toLowerCase().includes('reconnecting')", timeout=30_000
        )


async def test_dragging_turns_the_head(still_recording: Path, fake_camera: Path) -> None:
    async with room() as opened, open_browser(fake_camera) as browser:
        await opened.start_bot("Bot", still_recording)
        page = await open_page(browser, opened.page_url)
        await join(page, "Ada")
        (head,) = await wait_for_heads(page, 1)
        canvas = page.locator(f'canvas[data-member-id="{head}"]')
        box = await canvas.bounding_box()
        assert box is not None

        async def later_picture() -> NDArray[np.float64]:
            await frames_more(page, head, FRAMES_APART)
            return np.array(await canvas.evaluate(PICTURE), np.float64)

        await frames_more(page, head, 2 * FRAMES_APART)  # the tracker learns the most at first
        first, undragged = await later_picture(), await later_picture()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        await page.mouse.move(x, y)
        await page.mouse.down()
        await page.mouse.move(x + box["width"] / 3, y, steps=8)
        await page.mouse.up()
        tile = page.locator(".tile", has=canvas)
        await expect(tile).to_have_class(re.compile("turned"))
        dragged = await later_picture()
        await page.mouse.dblclick(x, y)
        await expect(tile).not_to_have_class(re.compile("turned"))
        reset = await later_picture()
    by_itself, by_drag, after_reset = (np.abs(other - first).mean() for other in (undragged, dragged, reset))
    print(f"mean change of a color value: {by_itself:.2f} by itself, {by_drag:.2f} dragged, {after_reset:.2f} reset")
    assert by_drag > 2
    assert by_drag > 5 * by_itself
    assert by_drag > 5 * after_reset


PAINTED_PICTURE = """() => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [640, 480];
  const context = canvas.getContext("2d");
  context.fillStyle = "#00ff00";
  context.fillRect(0, 0, 320, 480);
  context.fillStyle = "#0000ff";
  context.fillRect(320, 0, 320, 480);
  return canvas.toDataURL("image/png").split(",")[1];
}"""
"""A picture with a green left half and a blue right half."""
TOP_CORNERS = """(canvas) => {
  const context = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d");
  context.drawImage(canvas, 0, 0);
  return [0.06, 0.94].map((x) => [...context.getImageData(x * canvas.width, 0.06 * canvas.height, 1, 1).data]);
}"""
"""The background right and left of a head, RGBA."""


async def test_eye_contact_stereo_and_backgrounds(still_recording: Path, fake_camera: Path) -> None:
    async with room() as opened, open_browser(fake_camera) as browser:
        await opened.start_bot("Bot", still_recording)
        page = await open_page(browser, opened.page_url)
        await join(page, "Ada")
        (head,) = await wait_for_heads(page, 1)
        canvas = page.locator(f'canvas[data-member-id="{head}"]')

        async def later_picture() -> NDArray[np.float64]:
            await frames_more(page, head, FRAMES_APART)
            return np.array(await canvas.evaluate(PICTURE), np.float64).reshape(64, 64, 4)[..., :3]

        async def corners() -> NDArray[np.float64]:
            await frames_more(page, head, FRAMES_APART)
            return np.array(await canvas.evaluate(TOP_CORNERS), np.float64)[:, :3]

        await frames_more(page, head, 2 * FRAMES_APART)
        first, again = await later_picture(), await later_picture()
        await page.keyboard.press("e")
        at_lens = await later_picture()
        by_itself, by_eye_contact = np.abs(again - first).mean(), np.abs(at_lens - again).mean()
        print(f"mean change of a color value: {by_itself:.2f} by itself, {by_eye_contact:.2f} by eye contact")
        assert by_eye_contact > max(0.5, 3 * by_itself)

        await page.keyboard.press("d")
        eyes = await later_picture()
        left, right = eyes[:, :32], eyes[:, 32:]
        by_side = np.abs(left - right).mean()
        print(f"left and right eye differ by {by_side:.2f}, the halves of one view by {by_halves(at_lens):.2f}")
        assert 0.1 < by_side < 0.5 * by_halves(at_lens)
        await page.keyboard.press("d")
        await page.keyboard.press("f")

        await page.click("#open-settings")
        await page.click("#backgrounds [aria-label=Light]")
        light = await corners()
        assert np.abs(light - [232, 229, 223]).max() < 8
        buffer = base64.b64decode(await page.evaluate(PAINTED_PICTURE))
        await page.set_input_files("#background-file", {"name": "p.png", "mimeType": "image/png", "buffer": buffer})
        await expect(page.locator("#backgrounds [aria-checked=true]")).to_have_attribute("aria-label", "Your picture")
        green, blue = await corners()
        assert np.argmax(green) == 1
        assert np.argmax(blue) == 2
        assert min(green[1], blue[2]) > 150


def by_halves(picture: NDArray[np.float64]) -> float:
    """How much the halves of a picture differ."""
    return float(np.abs(picture[:, :32] - picture[:, 32:]).mean())
