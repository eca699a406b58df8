from __future__ import annotations

import asyncio

from client.clock import monotonic_s
from client.peer_face import EASING_AFTER_S, RESTING_AFTER_S, ShownFace
from codec.face_link import RANGE, FaceLink
from codec.params import FaceParams
from tests.support.fakes import face_of_gray

EPOCH_MS = 5000


def link_with_a_frame(capture_ms: int, now: float) -> FaceLink:
    sender, link = FaceLink(), FaceLink()
    for packet in sender.send(face_of_gray(100), capture_ms, now):
        link.receive(packet, now)
    return link


def test_a_face_eases_to_rest_although_its_connection_has_been_replaced() -> None:
    shown: list[tuple[FaceParams | None, int]] = []
    face = ShownFace(lambda params, capture_ms: shown.append((params, capture_ms)))
    face.follow(link_with_a_frame(40, 10.0), EPOCH_MS, 10.0)
    face.tick(10.05)
    assert [capture_ms for _, capture_ms in shown] == [EPOCH_MS + 40]
    face.follow(FaceLink(), EPOCH_MS, 10.1)  # the connection has been replaced; nothing came over the new one
    face.tick(10.5)
    assert shown[-1][0] is not None
    face.tick(10.0 + RESTING_AFTER_S)
    assert shown[-1] == (None, EPOCH_MS + 40)
    face.tick(12.0)
    assert len(shown) == 3
    face.follow(link_with_a_frame(7, 13.0), 6000, 13.0)
    assert shown[-1][0] is not None
    assert shown[-1][1] == 6007
    face.rest()
    face.tick(14.0)
    assert shown[-1] == (None, 0)


async def test_frames_of_one_packet_are_shown_one_after_another() -> None:
    shown: list[int] = []
    face = ShownFace(lambda params, capture_ms: shown.append(capture_ms - EPOCH_MS))
    sender, link = FaceLink(profile=RANGE), FaceLink()
    start = monotonic_s()
    packets = [
        packet for index in range(5) for packet in sender.send(face_of_gray(100), 40 * index, start + 0.04 * index)
    ]
    for packet in packets:
        link.receive(packet, start)
    face.follow(link, EPOCH_MS, start)
    assert shown == [0]  # the others wait for their time
    async with asyncio.timeout(5):
        while len(shown) < 5:  # noqa: ASYNC110 - a callback tells
            await asyncio.sleep(0.01)
    assert shown == [0, 40, 80, 120, 160]
    face.close()


async def test_news_that_there_is_no_face_lets_it_rest() -> None:
    shown: list[tuple[FaceParams | None, int]] = []
    face = ShownFace(lambda params, capture_ms: shown.append((params, capture_ms)))
    sender, link = FaceLink(), FaceLink()
    for index in range(200):
        now = 10 + index / 50
        for packet in sender.send(None if index else face_of_gray(200), 20 * index, now):
            link.receive(packet, now)
        face.follow(link, EPOCH_MS, now)
        face.tick(now)
    assert shown[-1] == (None, EPOCH_MS)
    eased = [params for params, _ in shown[1:-1]]
    assert len(eased) > 50 * (RESTING_AFTER_S - EASING_AFTER_S) - 2
    assert all(params is not None for params in eased)
