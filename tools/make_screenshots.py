"""Takes the pictures of the documentation: a room on this machine with two bots, seen in Chromium.

Usage: `python -m tools.make_screenshots [FOLDER]` in the repository root; FOLDER is docs/images if not given. The bots
and the camera play the sample recordings (visavis/sample.py).
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from visavis.bench.browser import join, member_id, open_browser, open_page, wait_for_heads
from visavis.bench.media import write_fake_camera
from visavis.local_room import LocalRoom, open_room
from visavis.processes import free_port
from visavis.sample import fetch_recordings

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

IMAGES = Path(__file__).parents[1] / "docs" / "images"
BOTS = ("Noor", "Kofi")
"""Guests that the bots wear, and their names."""
OWN_GUEST = "Ines"
OWN_NAME = "Mia"
TURNED = "Kofi"
TURN_RAD = 0.61
RADIANS_PER_TILE = 2.2
"""How far a drag across a tile turns its head (web/src/view_control.js)."""
PICTURES = 60
"""Heads are drawn so often before a picture is taken: avatars have arrived, trackers have settled."""


async def take_all(folder: Path) -> None:
    """Writes join.png, meeting.png and phone.png to `folder`.

    Raises:
        CommandError: Chromium or a sample recording is missing, or the room did not get ready.
    """
    recordings = fetch_recordings(print)
    with tempfile.TemporaryDirectory() as scratch:
        camera = Path(scratch) / "camera.mjpeg"
        write_fake_camera(recordings[1], camera)
        async with (
            open_room(port=free_port(), room="atelier", on_line=lambda name, line: None, say=print) as room,
            open_browser(camera) as browser,
        ):
            for name, recording in zip(BOTS, recordings, strict=True):
                await room.start_bot(name, recording, "--avatar", name)
            await room.wait_for_members(len(BOTS))
            async with _ready_to_join(browser, room, 1280, 720) as page:
                await _shoot(page, folder / "join.png")
                await join(page, OWN_NAME)
                await wait_for_heads(page, len(BOTS))
                await _turn(page, TURNED)
                await _shoot(page, folder / "meeting.png")
            async with _ready_to_join(browser, room, 390, 844) as page:
                await join(page, OWN_NAME)
                await wait_for_heads(page, len(BOTS))
                await _shoot(page, folder / "phone.png")


@asynccontextmanager
async def _ready_to_join(browser: Browser, room: LocalRoom, width: int, height: int) -> AsyncIterator[Page]:
    """The page with guest and name chosen."""
    page = await open_page(browser, room.page_url, width=width, height=height)
    await page.get_by_role("radio", name=OWN_GUEST).first.click()
    await page.fill("#name", OWN_NAME)
    try:
        yield page
    finally:
        await page.context.close()


async def _turn(page: Page, name: str) -> None:
    """Drags a head to the side by TURN_RAD."""
    canvas = page.locator(f'canvas[data-member-id="{await member_id(page, name)}"]')
    tile = await page.locator(".tile", has=canvas).bounding_box()
    assert tile is not None
    x, y = tile["x"] + tile["width"] / 2, tile["y"] + tile["height"] / 2
    await page.mouse.move(x, y)
    await page.mouse.down()
    await page.mouse.move(x + TURN_RAD / RADIANS_PER_TILE * min(tile["width"], tile["height"]), y, steps=10)
    await page.mouse.up()
    await page.mouse.move(1, 1)


async def _shoot(page: Page, path: Path) -> None:
    """Waits until every tile has been drawn PICTURES times more, then takes the picture."""
    counts = "Object.fromEntries(Object.entries(window.visavis.stats().tiles).map(([id, tile]) => [id, tile.frames]))"
    before = await page.evaluate(counts)
    await page.wait_for_function(
        "([before, n]) => { const tiles = Object.entries(window.visavis.stats().tiles);"
        " return tiles.length > 0 && tiles.every(([id, tile]) => tile.frames >= (before[id] ?? 0) + n); }",
        arg=[before, PICTURES],
        timeout=60_000,
    )
    picture = await page.screenshot(path=path)
    print(f"{path}: {len(picture) / 1000:.0f} kB")


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES
    folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(take_all(folder))


if __name__ == "__main__":
    main()
