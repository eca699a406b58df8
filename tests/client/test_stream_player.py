"""A stream that a bot replays: each face at its time, over and over, and only the newest one when held up."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from client import stream_player
from client.errors import MediaError
from client.face_pipeline import TrackedFace
from client.stream_player import StreamPlayer
from codec.stream_file import FaceStream
from tests.support.streams import EG0_HEADER, HEAD_ID, moving_face

BEGAN_MS = 1_700_000_000_000
TIMES_MS = [10, 50, 90, 130]
PERIOD_MS = 170


class EnoughSeen(Exception):
    """Ends what would go on for ever."""


class FakeClock:
    """Time that passes only while somebody waits, or `face_ms` for each face that is taken."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, face_ms: int = 0) -> None:
        self.now_ms, self.face_ms = BEGAN_MS, face_ms
        self.taken: list[tuple[int, TrackedFace]] = []
        monkeypatch.setattr(stream_player, "capture_ms", lambda: self.now_ms)
        monkeypatch.setattr(stream_player, "_until", self._until)

    async def _until(self, due_ms: int) -> None:
        await asyncio.sleep(0)
        self.now_ms = max(self.now_ms, due_ms)

    def take(self, face: TrackedFace) -> None:
        self.taken.append((self.now_ms - BEGAN_MS, face))
        self.now_ms += self.face_ms


@pytest.fixture
def stream() -> FaceStream:
    detected = np.array([True, True, False, True])
    return FaceStream(EG0_HEADER, np.array(TIMES_MS), detected, moving_face(4))


async def test_each_face_is_sent_at_its_time(stream: FaceStream, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, begin = FakeClock(monkeypatch), asyncio.Event()
    player = StreamPlayer(stream, False, HEAD_ID, clock.take)
    async with asyncio.TaskGroup() as group:
        group.create_task(player.play(begin))
        await asyncio.sleep(0)
        assert clock.taken == []
        begin.set()
    assert [now_ms for now_ms, _ in clock.taken] == TIMES_MS
    assert [face.capture_ms - BEGAN_MS for _, face in clock.taken] == TIMES_MS
    for index, (_, face) in enumerate(clock.taken):
        assert (face.params is None) == (index == 2)
        if face.params is not None:
            np.testing.assert_array_equal(face.params.to_vector(), stream.values[index])
    assert clock.now_ms == BEGAN_MS + PERIOD_MS
    assert (player.has_audio, player.audio_track(), player.extractor) == (False, None, "mediapipe")
    await player.aclose()


async def test_it_begins_again_without_a_gap(stream: FaceStream, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, begin = FakeClock(monkeypatch), asyncio.Event()
    begin.set()

    def take(face: TrackedFace) -> None:
        clock.take(face)
        if len(clock.taken) == 9:
            raise EnoughSeen

    with pytest.raises(EnoughSeen):
        await StreamPlayer(stream, True, HEAD_ID, take).play(begin)
    wanted = [PERIOD_MS * number + time_ms for number in range(3) for time_ms in TIMES_MS]
    assert [now_ms for now_ms, _ in clock.taken] == wanted[:9]


async def test_what_is_late_is_left_out(stream: FaceStream, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, begin = FakeClock(monkeypatch, face_ms=100), asyncio.Event()
    begin.set()
    await StreamPlayer(stream, False, HEAD_ID, clock.take).play(begin)
    assert [(now_ms, face.capture_ms - BEGAN_MS) for now_ms, face in clock.taken] == [(10, 10), (110, 90)]


def test_streams_that_no_call_can_show(stream: FaceStream) -> None:
    with pytest.raises(MediaError, match=r"another head model \(5a5a5a5a5a5a\) than that of calls \(abababababab\)"):
        StreamPlayer(stream, False, "ab" * 32, lambda face: None)
    with pytest.raises(MediaError, match="shows no face in any of its 4 frames"):
        StreamPlayer(replace(stream, detected=np.zeros(4, bool)), False, HEAD_ID, lambda face: None)
