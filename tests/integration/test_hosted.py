from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from client.bot import BotConfig
from client.equipment import Equipment
from client.errors import JoinRefused
from client.hosted import HostedConfig, HostedWorker
from client.join import fetch_join_token
from client.session import Session
from client.ui_messages import MAX_PICTURE_BYTES
from codec.signaling import Hosted, Joined, Welcome
from server.tokens import make_worker_token
from tests.support.fake_page import FakePage
from tests.support.fakes import FakeRenderer, rgb_of_luma
from tests.support.people import present

SECRET = "a secret for tests only"
GRAY = 120


@pytest.fixture
async def start_worker():
    tasks: list[asyncio.Task[None]] = []

    def start(url: str, equipment: Equipment) -> HostedWorker:
        worker = HostedWorker(HostedConfig(url, lambda: make_worker_token(SECRET)), equipment)
        tasks.append(asyncio.get_running_loop().create_task(worker.run(), name="worker"))
        return worker

    yield start
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
async def open_page():
    pages: list[FakePage] = []

    async def open_(url: str, gray: int = GRAY) -> FakePage:
        page = FakePage(url, await fetch_join_token(url, "room"), gray)
        pages.append(page)
        page.start()
        await page.server.until(
            lambda items: any(
                isinstance(message, Welcome | Hosted)
                and (message.hosted if isinstance(message, Welcome) else message.state) == "ready"
                for message in items
            )
        )
        await page.offer_leg()
        return page

    yield open_
    for page in pages:
        await page.aclose()


OpenPage = Callable[..., Awaitable[FakePage]]


def shows(page: FakePage, member_id: str, gray: int) -> bool:
    """Whether the head's newest pixels show the face of somebody whose camera sees this gray."""
    tile = tile_of(page, member_id)
    return tile is not None and abs(tile.mean() - rgb_of_luma(gray)) < 6


def tile_of(page: FakePage, member_id: str):
    """The newest pixels of a head, None before they are there."""
    layouts = page.said("atlas")
    if not layouts or not page.pictures.items:
        return None
    picture, layout = page.pictures.items[-1], layouts[-1]
    if picture.shape != (layout["height"], layout["width"]):
        return None
    for tile in layout["tiles"]:
        if tile["member_id"] == member_id:
            return picture[tile["y"] : tile["y"] + tile["size"], tile["x"] : tile["x"] + tile["size"]]
    return None


async def test_a_person_sees_their_own_head_before_joining(
    start_server, make_equipment, start_worker, open_page
) -> None:
    server, _ = await start_server()
    start_worker(server.url, make_equipment("host")[0])
    page: FakePage = await open_page(server.url)
    page.say(type="tiles", tiles=[{"member_id": "self", "size_px": 120}])

    await page.pictures.until(lambda items: shows(page, "self", GRAY))
    await page.ui.until(lambda items: page.said("tracking")[-1:] and page.said("tracking")[-1]["state"] == "face")
    page.say(type="camera", on=False)
    await page.ui.until(lambda items: page.said("tracking")[-1]["state"] == "rest")


async def test_a_picture_that_cannot_be_a_background_is_said_and_the_next_one_works(
    start_server, make_equipment, start_worker, open_page
) -> None:
    server, _ = await start_server()
    equipment, _ = make_equipment("host")
    renderers: list[FakeRenderer] = []

    def make_renderer(model: object) -> FakeRenderer:
        renderers.append(FakeRenderer())
        return renderers[-1]

    start_worker(server.url, replace(equipment, make_renderer=make_renderer))
    page: FakePage = await open_page(server.url)
    page.say(type="tiles", tiles=[{"member_id": "self", "size_px": 120}])
    largest = base64.b64encode(bytes(MAX_PICTURE_BYTES)).decode()
    page.say(type="background", kind="image", jpeg=largest)
    await page.ui.until(lambda items: page.said("notice"))
    assert page.said("notice")[0]["text"] == "This picture cannot be used as a background."
    wall = cv2.imencode(".jpg", np.full((90, 160, 3), 77, np.uint8))[1].tobytes()
    page.say(type="background", kind="image", jpeg=base64.b64encode(wall).decode())

    def behind() -> object:
        return renderers[-1].views[-1][1] if renderers and renderers[-1].views else None

    await page.pictures.until(lambda items: isinstance(behind(), np.ndarray))
    assert len(page.said("notice")) == 1


async def test_two_people_and_a_bot_see_each_other(
    start_server, make_equipment, start_worker, open_page, clip: Path
) -> None:
    server, _ = await start_server()
    start_worker(server.url, make_equipment("host")[0])
    equipment, _ = make_equipment("bot")
    config = BotConfig(server.url, "room", clip, name="Bot", loop=True, avatar_id=equipment.library.guest_ids[0])
    async with present(config, equipment) as bot:
        ada: FakePage = await open_page(server.url, 100)
        noor: FakePage = await open_page(server.url, 180)
        for page, name in ((ada, "Ada"), (noor, "Noor")):
            page.join(name)
            await page.server.until(lambda items: any(isinstance(message, Joined) for message in items))
        wanted = [ada.member_id, noor.member_id, bot.call.member_id]
        for page in (ada, noor):
            page.say(type="tiles", tiles=[{"member_id": member, "size_px": 128} for member in wanted])
        await ada.pictures.until(lambda items: shows(ada, noor.member_id, 180))
        await noor.pictures.until(lambda items: shows(noor, ada.member_id, 100))
        await bot.faces.until(lambda items: {member for member, *_ in items} >= {ada.member_id, noor.member_id})
        await ada.ui.until(
            lambda items: any(
                {peer["member_id"] for peer in message["peers"] if peer["state"] == "live" and peer["fps"] > 5}
                == {noor.member_id, bot.call.member_id}
                for message in ada.said("peers")
            )
        )
        line = next(peer for peer in ada.said("peers")[-1]["peers"] if peer["member_id"] == noor.member_id)
        assert line["avatar"] == "own"
        assert line["wire_kbps_in"] > line["payload_kbps_in"] > 0
        await noor.leave()
        await bot.left.until(lambda items: noor.member_id in items)


async def test_a_reloaded_page_gets_its_picture_again(start_server, make_equipment, start_worker, open_page) -> None:
    server, _ = await start_server()
    start_worker(server.url, make_equipment("host")[0])
    page: FakePage = await open_page(server.url)
    page.say(type="tiles", tiles=[{"member_id": "self", "size_px": 120}])
    await page.pictures.until(lambda items: tile_of(page, "self") is not None)
    seen, said = len(page.pictures.items), len(page.said("atlas"))
    await page.offer_leg()
    await page.pictures.until(lambda items: len(items) > seen + 3)
    await page.ui.until(lambda items: len(page.said("atlas")) > said)
    assert [tile["member_id"] for tile in page.said("atlas")[-1]["tiles"]] == ["self"]


async def test_a_session_that_fails_does_not_take_others_with_it(
    start_server, make_equipment, start_worker, open_page, monkeypatch: pytest.MonkeyPatch, caplog
) -> None:
    server, _ = await start_server(attach_timeout_s=0.5, client_return_s=0.5)
    equipment, _ = make_equipment("host")
    start_worker(server.url, equipment)
    fine: FakePage = await open_page(server.url)
    fine.say(type="tiles", tiles=[{"member_id": "self", "size_px": 120}])
    await fine.pictures.until(lambda items: tile_of(fine, "self") is not None)
    started = []

    def fail_once() -> None:
        started.append(True)
        if len(started) == 1:
            raise RuntimeError("this session's tracker does not load")

    original = Session.run

    async def run(self: Session) -> None:
        tracker = self._pipeline._make_tracker
        self._pipeline._make_tracker = lambda: (fail_once(), tracker())[1]
        await original(self)

    monkeypatch.setattr(Session, "run", run)
    other = FakePage(server.url, await fetch_join_token(server.url, "room"), GRAY)
    try:
        other.start()
        await other.server.until(bool)
        async with asyncio.timeout(20):
            while True:  # as a page does, until its client answers
                with contextlib.suppress(TimeoutError):
                    await other.offer_leg(timeout_s=1)
                    break
        other.say(type="tiles", tiles=[{"member_id": "self", "size_px": 120}])
        await other.pictures.until(lambda items: shows(other, "self", GRAY))
    finally:
        await other.aclose()
    assert len(started) == 2
    seen = len(fine.pictures.items)
    await fine.pictures.until(lambda items: len(items) > seen + 5)
    assert "session failed" in caplog.text


async def test_a_worker_with_a_wrong_token_is_refused(start_server, make_equipment) -> None:
    server, _ = await start_server()
    config = HostedConfig(server.url, lambda: make_worker_token("another secret, quite wrong"))
    with pytest.raises(JoinRefused, match="not valid"):
        async with asyncio.timeout(10):
            await HostedWorker(config, make_equipment("host")[0]).run()


async def test_a_worker_finds_a_restarted_server_and_serves_on(
    start_server, make_equipment, start_worker, open_page
) -> None:
    server, stack = await start_server()
    start_worker(server.url, make_equipment("host")[0])
    page: FakePage = await open_page(server.url)
    page.say(type="tiles", tiles=[{"member_id": "self", "size_px": 120}])
    await page.pictures.until(lambda items: tile_of(page, "self") is not None)
    await stack.aclose()
    seen = len(page.pictures.items)
    await page.pictures.until(lambda items: len(items) > seen + 10)
    await start_server(server.port)
    second: FakePage = await open_page(server.url)
    assert second.member_id != page.member_id
    welcomes = [message for message in page.server.items if isinstance(message, Welcome)]
    assert len({message.member_id for message in welcomes}) == 1
