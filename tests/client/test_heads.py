"""What heads wear and what is behind them: read elsewhere, one at a time, and the newest wish wins."""

from __future__ import annotations

import asyncio
import threading
from typing import Any, cast

import cv2
import numpy as np
import pytest

from client import heads as module
from client.avatars import AvatarLibrary
from client.heads import Heads
from client.view.pool import DrawingPool
from tests.support.fakes import FakeRenderer
from tests.support.sctp_pair import until


class NoLibrary:
    """Avatars that never come."""

    guest_ids = ("00" * 32,)

    async def model(self, avatar_id: str) -> Any:
        await asyncio.Event().wait()


@pytest.fixture
async def heads():
    pool = DrawingPool(threads=1)
    heads = Heads(cast(AvatarLibrary, NoLibrary()), lambda model: FakeRenderer(), pool, lambda frame, layout: None)
    heads.start()
    yield heads
    await heads.aclose()
    await asyncio.to_thread(pool.close)


def jpeg(gray: int, size: int = 64) -> bytes:
    return cv2.imencode(".jpg", np.full((size, size, 3), gray, np.uint8))[1].tobytes()


def behind(heads: Heads, member_id: str) -> Any:
    return heads._views[member_id]._backdrop.whole(16)


async def test_all_heads_get_the_background_and_those_that_come_later(heads: Heads) -> None:
    heads.add("a")
    heads.set_background((1.0, 0.0, 0.0))
    heads.add("b")
    assert behind(heads, "a") == behind(heads, "b") == (1.0, 0.0, 0.0)
    await heads.set_background_picture(jpeg(200))
    heads.add("c")
    for member_id in "abc":
        assert np.abs(behind(heads, member_id).astype(int) - 200).max() <= 2


async def test_a_picture_is_not_read_in_the_event_loop(heads: Heads, monkeypatch: pytest.MonkeyPatch) -> None:
    threads = []
    read = module.read_picture

    def noting(*args: Any, **kwargs: Any) -> Any:
        threads.append(threading.current_thread())
        return read(*args, **kwargs)

    monkeypatch.setattr(module, "read_picture", noting)
    await heads.set_background_picture(jpeg(200))
    assert threads != [threading.current_thread()]


@pytest.mark.parametrize(
    "bad", [b"", b"GIF89a", jpeg(9)[:100], jpeg(9, 513)], ids=["empty", "unknown", "cut off", "too large"]
)
async def test_a_bad_picture_changes_nothing(heads: Heads, bad: bytes) -> None:
    heads.add("a")
    heads.set_background((0.0, 1.0, 0.0))
    with pytest.raises(ValueError, match="picture"):
        await heads.set_background_picture(bad)
    assert behind(heads, "a") == (0.0, 1.0, 0.0)


async def test_the_newest_wish_wins_and_what_is_out_of_date_is_not_read(
    heads: Heads, monkeypatch: pytest.MonkeyPatch
) -> None:
    heads.add("a")
    reading, go_on, reads = threading.Event(), threading.Event(), []
    read = module.read_picture

    def slow(data: bytes, **kwargs: Any) -> Any:
        reads.append(data)
        reading.set()
        assert go_on.wait(10)
        return read(data, **kwargs)

    monkeypatch.setattr(module, "read_picture", slow)
    pictures = [jpeg(gray) for gray in (10, 90, 170, 250)]
    async with asyncio.TaskGroup() as group:
        group.create_task(heads.set_background_picture(pictures[0]))
        await asyncio.to_thread(reading.wait, 10)
        for picture in pictures[1:]:
            group.create_task(heads.set_background_picture(picture))
        await asyncio.sleep(0)
        go_on.set()
    assert reads == [pictures[0], pictures[-1]]
    assert behind(heads, "a").min() > 245
    monkeypatch.setattr(module, "read_picture", read)
    async with asyncio.TaskGroup() as group:
        group.create_task(heads.set_background_picture(pictures[0]))
        await asyncio.sleep(0)
        heads.set_background((0.0, 0.0, 1.0))
    assert behind(heads, "a") == (0.0, 0.0, 1.0)


class OneAvatar(NoLibrary):
    """An avatar that comes when the gate opens."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()

    async def model(self, avatar_id: str) -> Any:
        await self.gate.wait()
        return avatar_id


def renderer_of(heads: Heads, member_id: str) -> Any:
    return heads._views[member_id]._renderer


async def settled(heads: Heads) -> None:
    await until(lambda: not len(heads._tasks))


async def test_a_preview_is_worn_until_the_avatar_is_here_and_never_after_it() -> None:
    pool, library = DrawingPool(threads=1), OneAvatar()
    release = threading.Event()

    def make(model: Any) -> Any:
        if model == "slow part":
            assert release.wait(10)
        renderer = FakeRenderer()
        renderer.name = model
        return renderer

    heads = Heads(cast(AvatarLibrary, library), make, pool, lambda frame, layout: None)
    try:
        library.gate.set()
        heads.add("a")
        await settled(heads)
        heads.preview("a", cast(Any, "part"))
        await settled(heads)
        assert renderer_of(heads, "a").name == "part"
        heads.preview("a", cast(Any, "slow part"))
        heads.wear("a", "11" * 32)
        await until(lambda: renderer_of(heads, "a").name == "11" * 32)
        release.set()
        await settled(heads)
        assert renderer_of(heads, "a").name == "11" * 32
        heads.preview("a", cast(Any, "part"))
        heads.wear("a", None)  # it was refused after all
        await settled(heads)
        assert renderer_of(heads, "a").name == library.guest_ids[0]
        heads.preview("nobody", cast(Any, "part"))
        assert not len(heads._tasks)
    finally:
        release.set()
        await heads.aclose()
        await asyncio.to_thread(pool.close)
