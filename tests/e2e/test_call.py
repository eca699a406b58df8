"""A whole call: Chromium with a fake camera, server, hosted client and bot, each in its own process."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import expect

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


REMEMBER_PICTURE = "(c) => { c.before = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; }"
CHANGED_SHARE = """(c) => {
  const now = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
  return now.filter((value, i) => Math.abs(value - c.before[i]) > 30).length / now.length;
}"""
"""Share of color values that differ by more than 30 of 255 from the remembered picture."""


@asynccontextmanager
async def room() -> AsyncIterator[LocalRoom]:
    lines: list[str] = []
    try:
        async with open_room(port=free_port(), room="e2e", on_line=lambda n, t: lines.append(f"{n}: {t}")) as opened:
            yield opened
    finally:
        print("\n".join(lines[-40:]))


def check(direction: str, agreement: Agreement) -> None:
    print(
        f"{direction}: jaw {agreement.jaw_correlation:.3f}, yaw {agreement.yaw_correlation:.3f}, "
        f"blinks {agreement.blinks_seen} of {agreement.blinks_source}"
    )
    assert agreement.jaw_correlation >= JAW_CORRELATION
    assert agreement.yaw_correlation >= YAW_CORRELATION
    assert agreement.blinks_source > 0
    assert agreement.blinks_seen >= 0.5 * agreement.blinks_source


async def test_faces_move_like_their_sources_in_both_directions(
    recording: Path, fake_camera: Path, tmp_path: Path
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
    check("bot to browser", compare(source, face_motion(seen_in_page)))
    check("browser to bot", compare(source, face_motion(seen_by_bot)))


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
        await page.wait_for_function("() => document.body.innerText.toLowerCase().includes('camera')")
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
        drawn = await page.evaluate("(id) => window.visavis.stats().tiles[id].frames", head)
        await page.wait_for_function(
            "([id, n]) => window.visavis.stats().tiles[id].frames > n + 25", arg=[head, drawn], timeout=20_000
        )
        await opened.start("server", ["serve", "--host", "127.0.0.1", "--port", port, "--hosted", "0"])
        await opened.wait_for_members(2)
        await page.wait_for_function(
            "() => !document.body.innerText.toLowerCase().includes('reconnecting')", timeout=30_000
        )


async def test_dragging_turns_the_head(recording: Path, fake_camera: Path) -> None:
    async with room() as opened, open_browser(fake_camera) as browser:
        await opened.start_bot("Bot", recording)
        page = await open_page(browser, opened.page_url)
        await join(page, "Ada")
        (head,) = await wait_for_heads(page, 1)
        canvas = page.locator(f'canvas[data-member-id="{head}"]')
        box = await canvas.bounding_box()
        assert box is not None
        await canvas.evaluate(REMEMBER_PICTURE)
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        await page.mouse.move(x, y)
        await page.mouse.down()
        await page.mouse.move(x + box["width"] / 3, y, steps=8)
        await page.mouse.up()
        tile = page.locator(".tile", has=canvas)
        await expect(tile).to_have_class(re.compile("turned"))
        drawn = await page.evaluate("(id) => window.visavis.stats().tiles[id].frames", head)
        await page.wait_for_function("([id, n]) => window.visavis.stats().tiles[id].frames > n + 15", arg=[head, drawn])
        changed = await canvas.evaluate(CHANGED_SHARE)
        assert changed > 0.05
        await page.mouse.dblclick(x, y)
        await expect(tile).not_to_have_class(re.compile("turned"))
