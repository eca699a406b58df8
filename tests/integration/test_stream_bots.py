"""Bots that replay a stream: what the others see is what is in the file, and nothing is tracked for it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from client.bot import BotConfig
from client.equipment import Equipment
from client.errors import MediaError
from client.join import fetch_join_token
from codec.range_steps import RangeConfig
from codec.stream_file import FaceStream, pack_stream, unpack_stream
from tests.support.fakes import FakeTracker
from tests.support.people import WatchingBot, present
from tests.support.tracks import made_track
from visavis.face_streams import stream_of_track

CONFIG = RangeConfig(50, 4)


def stream_of(times_s: list[float], faces: list[bool] | None = None, head_id: str | None = None) -> FaceStream:
    """A stream file's content."""
    return unpack_stream(pack_stream(stream_of_track(made_track(times_s, faces, head_id), CONFIG)))


def without_tracker(equipment: Equipment) -> Equipment:
    def fail() -> FakeTracker:
        raise AssertionError("a stream needs no tracker")

    return replace(equipment, make_tracker=fail)


async def test_the_faces_of_the_file_arrive_with_its_times(start_server, make_equipment, clip) -> None:
    server, _ = await start_server()
    (one, _), (two, _) = make_equipment("one"), make_equipment("two")
    steps_ms = np.array([37, 41, 30, 44, 33, 52, 40, 39, 45, 31] * 2)
    stream = stream_of((np.cumsum(steps_ms) / 1000).tolist(), [index != 9 for index in range(len(steps_ms))])
    period_ms = round(1000 * stream.duration_s)
    faces = [stream.params(index) for index in range(len(stream))]
    wanted = np.array([np.full(71, np.nan) if face is None else CONFIG.steps.exact(face) for face in faces])
    coded = np.array(CONFIG.steps.limits) > 0
    replay = BotConfig(server.url, "room", stream, one.library.guest_ids[0], "Ada", loop=True)
    watch = BotConfig(server.url, "room", clip, two.library.guest_ids[0], "Noor", loop=True)
    async with present(replay, without_tracker(one)) as ada, present(watch, two) as noor:

        def frames_seen(items) -> list[tuple[int, int]]:
            """The frame that each face is, and when its round began by its capture time, modulo the period."""
            found = []
            for _, params, time_ms in items:
                if params is not None:
                    errors = np.abs(CONFIG.steps.exact(params) - wanted)[:, coded]
                    index = int(np.nanargmin(errors.sum(axis=1)))
                    if errors[index].max() <= 1.5:  # a call quantizes them once more, whichever profile it uses
                        found.append((index, (time_ms - int(stream.time_ms[index])) % period_ms))
            return found

        await noor.faces.until(lambda items: len({index for index, _ in frames_seen(items)}) >= len(stream) - 3)
        assert len({began_ms for _, began_ms in frames_seen(noor.faces.items)}) == 1
        link = noor.call.link(ada.call.member_id)
        assert link.extractor == "mediapipe"
        assert noor.call.members[ada.call.member_id].muted


async def test_a_stream_that_ends_ends_the_bot(start_server, make_equipment) -> None:
    server, _ = await start_server()
    equipment, _ = make_equipment("one")
    config = BotConfig(server.url, "room", stream_of([0.0, 0.04, 0.08]), equipment.library.guest_ids[0])
    bot = WatchingBot(config, without_tracker(equipment))
    async with asyncio.timeout(10):
        await bot.run(await fetch_join_token(server.url, "room"))
    assert len(bot.joins.items) == 1


async def test_a_stream_for_another_head_is_refused(make_equipment) -> None:
    equipment, _ = make_equipment("one")
    config = BotConfig("http://127.0.0.1:9", "room", stream_of([0.0, 0.04], head_id="ab" * 32))
    with pytest.raises(MediaError, match="for another head model"):
        WatchingBot(config, equipment)
