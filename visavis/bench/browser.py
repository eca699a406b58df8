"""Headless Chromium as a participant: opens the page, joins, waits for heads."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from visavis.errors import CommandError

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
)


@asynccontextmanager
async def open_browser(camera: Path | None = None) -> AsyncIterator[Browser]:
    """Headless Chromium whose camera is the MJPEG file `camera` (None: Chromium's test pattern).

    Raises:
        CommandError: playwright or chromium is not installed.
    """
    try:
        from playwright.async_api import async_playwright
    except ImportError:
        raise CommandError("This needs playwright: install the development extra (make setup).") from None
    executable = shutil.which("chromium") or shutil.which("google-chrome")
    if executable is None:
        raise CommandError("This needs Chromium: apt-get install chromium")
    flags: list[str] = [*CHROMIUM_FLAGS]
    if camera is not None:
        flags.append(f"--use-file-for-fake-video-capture={camera}")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=flags)
        try:
            yield browser
        finally:
            await browser.close()


async def open_page(
    browser: Browser, url: str, *, width: int = 1280, height: int = 720, permissions: tuple[str, ...] | None = None
) -> Page:
    """A page in a context of its own; camera and microphone are granted unless `permissions` says otherwise."""
    granted = ("camera", "microphone") if permissions is None else permissions
    context = await browser.new_context(permissions=list(granted), viewport={"width": width, "height": height})
    page = await context.new_page()
    await page.goto(url)
    return page


async def join(page: Page, name: str, *, preview: bool = True, timeout_s: float = 30.0) -> None:
    """Types a name, waits for the preview of one's own head, clicks Join and waits until the meeting is on."""
    timeout_ms = timeout_s * 1000
    await page.fill("#name", name)
    if preview:
        await page.wait_for_function("() => window.visavis.stats().tiles.self?.frames > 0", timeout=timeout_ms)
    await page.wait_for_function("() => !document.querySelector('#join').disabled", timeout=timeout_ms)
    await page.click("#join")
    await page.wait_for_function("() => window.visavis.state().phase === 'meeting'", timeout=timeout_ms)


async def wait_for_heads(page: Page, count: int, timeout_s: float = 30.0) -> list[str]:
    """Waits until `count` heads of others have been drawn; returns their member ids."""
    heads = "Object.entries(window.visavis.stats().tiles).filter(([k, t]) => k !== 'self' && t.frames).map(([k]) => k)"
    await page.wait_for_function(f"(n) => {heads}.length >= n", arg=count, timeout=timeout_s * 1000)
    return list(await page.evaluate(heads))


async def member_id(page: Page, name: str) -> str:
    """Id of the other member called `name`."""
    return str(await page.evaluate("(n) => window.visavis.state().members.find((m) => m.name === n).member_id", name))
