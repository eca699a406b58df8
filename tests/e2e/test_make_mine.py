"""One's own head, from the camera in Chromium to Keep, with a stand-in for the slow part: the making of the avatar."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import av
import pytest
from playwright.async_api import Page, expect

from avatar_store.guests import guest_bytes, list_guests
from avatar_store.store import AvatarStore
from client import aiortc_setup
from client.enrolment_queue import EnrolmentFailed, Progress
from client.hosted import HostedConfig, HostedWorker
from client.load_equipment import load_equipment
from codec.avatar_file import avatar_id, pack_avatar, unpack_avatar
from codec.avatar_owner import with_owner
from server.config import ServerConfig
from server.run import running_server
from server.tokens import make_worker_token
from visavis.bench.browser import open_browser

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(180)]

SECRET = "a-secret-that-is-long-enough-for-tests"
HURRY = "window.visavisSettings = {takeSpeed: 6}"
expect.set_options(timeout=30_000)


def person(index: int) -> bytes:
    """An avatar that nobody has yet: a guest under another name."""
    guest = list_guests()[index]
    return pack_avatar(replace(unpack_avatar(guest_bytes(guest.avatar_id)), name=f"Nobody {index}"))


class StandIn:
    """Makes two avatars of whatever is recorded, the second one when it is allowed to."""

    def __init__(self) -> None:
        self.pictures: list[int] = []
        self.sizes: list[tuple[int, int]] = []
        self.clips: list[Path] = []
        self.may_finish = asyncio.Event()
        self.fails = False

    async def run(self, clip: Path, on_progress: Callable[[Progress], None]) -> None:
        self.clips.append(clip)
        await asyncio.to_thread(self._read, clip)
        if self.fails:
            raise EnrolmentFailed("The recording shows no face.")
        on_progress(Progress("reading the recording", 0.3, 60.0))
        on_progress(Progress("making the instant avatar", 0.4, 50.0, None, person(0)))
        await self.may_finish.wait()
        on_progress(Progress("training", 1.0, 0.0, 31.4, person(1)))

    def _read(self, clip: Path) -> None:
        with av.open(str(clip)) as container:
            frames = [(frame.width, frame.height) for frame in container.decode(video=0)]
        self.pictures.append(len(frames))
        self.sizes.append(frames[0])


@asynccontextmanager
async def room(runner: StandIn, store: AvatarStore) -> AsyncIterator[str]:
    """A server and a hosted client in this process; gives the page's address."""
    aiortc_setup.install()
    equipment = await asyncio.to_thread(load_equipment, store, "cpu")
    async with running_server(ServerConfig(port=0, secret=SECRET)) as server:
        worker = HostedWorker(HostedConfig(server.url, lambda: make_worker_token(SECRET)), equipment, runner)
        serving = asyncio.get_running_loop().create_task(worker.run())
        try:
            yield f"{server.url}/?room=mine"
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
            await equipment.library.aclose()


@asynccontextmanager
async def visitor(camera: Path, url: str) -> AsyncIterator[Page]:
    async with open_browser(camera) as browser:
        size = {"width": 1280, "height": 800}
        context = await browser.new_context(permissions=["camera", "microphone"], viewport=size)
        await context.add_init_script(HURRY)
        page = await context.new_page()
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        await page.goto(url)
        yield page
        assert problems == []


async def record(page: Page) -> None:
    await page.click("#make-mine-open")
    await expect(page.locator("#take-privacy")).to_contain_text("deleted")
    await expect(page.locator("#take-begin")).to_be_enabled()
    await page.click("#take-begin")
    await expect(page.locator("#take-clock")).to_contain_text("Step 2 of")


def chosen(page: Page):
    return page.locator("#avatars [aria-checked=true]")


async def test_a_head_is_recorded_tried_on_kept_and_remembered(
    fake_camera: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISAVIS_LOOPBACK", "1")
    runner, store = StandIn(), AvatarStore(tmp_path / "store")
    owner = store.owner_key().public
    first, second = (avatar_id(with_owner(person(index), owner)) for index in (0, 1))
    async with room(runner, store) as url, visitor(fake_camera, url) as page:
        await record(page)
        await page.click("#take-pause")
        await expect(page.locator("#take-instruction")).to_have_text("Paused")
        await page.click("#take-pause")
        await expect(page.locator("#take-keep")).to_be_visible()
        assert runner.pictures[0] > 20
        await expect(page.locator("#take-preview canvas[data-member-id=self]")).to_be_visible()
        assert (await page.evaluate("visavis.state().enrolment"))["avatar_id"] == first
        await page.click("#take-keep")
        await expect(page.locator("#make-mine")).to_be_hidden()
        await expect(chosen(page)).to_have_attribute("data-avatar-id", first)
        await page.fill("#name", "Ada")
        await page.click("#join")
        await page.wait_for_function("(id) => visavis.state().self?.avatar_id === id", arg=first)

        runner.may_finish.set()  # the better one takes its place, for the others too
        await page.wait_for_function("(id) => visavis.state().self?.avatar_id === id", arg=second)
        assert not runner.clips[0].parent.exists()
        assert store.has(second)
        await page.wait_for_function("() => visavis.state().enrolment.state === 'done'")

        await page.reload()
        await expect(chosen(page)).to_have_attribute("data-avatar-id", second)
        await expect(chosen(page)).to_contain_text("Mine")
        assert not store.has(first)
        page.on("dialog", lambda dialog: dialog.accept())
        await page.click("#delete-mine")
        await expect(page.locator("#avatars .avatar", has_text="Mine")).to_have_count(0)
        while store.has(second):  # noqa: ASYNC110 - a message is on its way
            await asyncio.sleep(0.05)


async def test_a_failure_is_one_sentence_and_escape_leaves_nothing(
    fake_camera: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISAVIS_LOOPBACK", "1")
    runner, store = StandIn(), AvatarStore(tmp_path / "store")
    runner.fails = True
    async with room(runner, store) as url, visitor(fake_camera, url) as page:
        await record(page)
        await expect(page.locator("#take-detail")).to_have_text("The recording shows no face.")
        runner.fails = False
        await page.click("#take-send-again")
        await expect(page.locator("#take-keep")).to_be_visible()
        assert runner.pictures[0] == runner.pictures[1]
        await page.keyboard.press("Escape")
        await expect(page.locator("#preview-stage canvas[data-member-id=self]")).to_be_visible()
        while any(clip.parent.exists() for clip in runner.clips):  # noqa: ASYNC110 - a message is on its way
            await asyncio.sleep(0.05)
        assert (await page.evaluate("visavis.state().cameraOn")) is True
