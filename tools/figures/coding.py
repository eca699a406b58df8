"""What the codec makes of faces at the setting that calls begin with."""

from __future__ import annotations

from dataclasses import dataclass

from codec.params import FaceParams
from codec.rate_control import LADDER
from visavis.bench.codec_passes import ROUND_TRIP, RangeCoder

QUALITY = LADDER[0].quality


@dataclass(frozen=True, eq=False)
class Coded:
    """A face after the codec.

    Args:
        size: bytes of its frame, without headers.
        face: what the receiver has.
    """

    size: int
    face: FaceParams


def pass_on(faces: list[FaceParams]) -> list[Coded]:
    """Faces that follow each other, each predicted from the one that a receiver 100 ms away acknowledged last."""
    coder = RangeCoder(QUALITY, ROUND_TRIP)
    return [Coded(*coder.pass_on(face)) for face in faces]
