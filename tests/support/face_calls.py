"""Two ends of the `face` channel and the line between them."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from codec.face_link import RANGE, FaceLink
from codec.packet import MAX_PACKET_BYTES
from codec.params import FaceParams
from tests.support.tracks import talking

INTERVAL_MS = 40
LINK_MS = 30
Face = Callable[[int], FaceParams | None]


def talks(time_ms: int) -> FaceParams:
    return talking(time_ms / 1000)


class Call:
    """Two links and the line between them, a millisecond at a time."""

    def __init__(self, first: str = RANGE, second: str = RANGE, dims: int = 50) -> None:
        self.links = FaceLink(dims, profile=first), FaceLink(dims, profile=second)
        self.now_ms = 0
        self.lost = Random(4)
        self.sent: list[tuple[int, int, bytes]] = []  # when, by whom
        self.shown: list[dict[int, FaceParams]] = [{}, {}]  # by capture time
        self._in_flight: list[tuple[int, int, bytes]] = []

    def run(self, until_ms: int, faces: tuple[Face, Face] = (talks, talks), loss: float = 0.0) -> None:
        while self.now_ms < until_ms:
            self.now_ms += 1
            now = self.now_ms / 1000
            for index, link in enumerate(self.links):
                if self.now_ms % INTERVAL_MS == 0:
                    self._post(index, link.send(faces[index](self.now_ms), self.now_ms, now), loss)
                deadline = link.deadline()
                if self.now_ms % 50 == 0 or (deadline is not None and deadline <= now):
                    self._post(index, link.poll(now), loss)
            arriving = [data for data in self._in_flight if data[0] <= self.now_ms]
            self._in_flight = [data for data in self._in_flight if data[0] > self.now_ms]
            for _, sender, data in arriving:
                self.links[1 - sender].receive(data, now)
            for link, shown in zip(self.links, self.shown, strict=True):
                face = link.current(now)
                if face is not None and link.shown_capture_ms is not None:
                    shown.setdefault(link.shown_capture_ms, face)

    def _post(self, sender: int, packets: list[bytes], loss: float) -> None:
        for data in packets:
            assert len(data) <= MAX_PACKET_BYTES
            self.sent.append((self.now_ms, sender, data))
            if self.lost.random() >= loss:
                self._in_flight.append((self.now_ms + LINK_MS, sender, data))

    def sizes(self, sender: int) -> list[int]:
        return [len(data) for _, who, data in self.sent if who == sender]
