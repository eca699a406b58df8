"""Our own streams over their settings: faces coded, decoded and drawn."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from codec.params import EXPRESSION_DIMS, FaceParams
from codec.range_steps import QUALITIES
from enrolment.job_codec import avatar_model, from_bytes
from renderer.avatar.frame_renderer import FrameRenderer
from renderer.head.model import HeadModel
from visavis.bench.codec_passes import Coder, PaperCoder, RangeCoder
from visavis.bench.rd.ffmpeg import Pictures
from visavis.bench.rd.points import Point
from visavis.bench.rd.quality import Judge
from visavis.bench.rd.scene import RATE, Scene, Worn

_WHITE = (1.0, 1.0, 1.0)
BITS = (8, 10)
LADDER_STEP = 4
"""Between the qualities of profile `range` that are measured: an octave of its steps."""


@dataclass(frozen=True)
class Setting:
    """One way to code faces.

    Args:
        name: for people.
        coder: makes a fresh one.
    """

    name: str
    coder: Callable[[], Coder]


def paper_settings() -> list[Setting]:
    """Profile `eg0`: the paper's numbers of expressions, at both its precisions."""
    return [
        Setting(f"{dims} x {bits} bit", lambda dims=dims, bits=bits: PaperCoder(dims, bits))
        for dims in EXPRESSION_DIMS
        for bits in BITS
    ]


def range_settings() -> list[Setting]:
    """Profile `range` over its ladder, coarse to fine, each frame predicted from the one before."""
    return [
        Setting(f"quality {quality}", lambda quality=quality: RangeCoder(quality, 1))
        for quality in range(QUALITIES - 1, -1, -LADDER_STEP)
    ]


def sweep(
    worn: Worn,
    settings: Sequence[Setting],
    scene: Scene,
    head: HeadModel,
    judge: Judge,
    known: Callable[[str], Point | None],
) -> Iterator[Point]:
    """The points of an avatar and a way of coding; see visavis.bench.rd.video_sweep.sweep."""
    draw = None
    for setting in settings:
        point = known(setting.name)
        if point is None:
            draw = draw or Drawing(worn, scene, head)
            point = measure(setting, worn, draw, judge)
        yield point


class Drawing:
    """Draws the faces of a scene with an avatar.

    Args:
        worn: the avatar.
        scene: the camera, and what it does not show.
        head: the head model of the avatar.

    Raises:
        AvatarFileError, AvatarMismatchError: the avatar is damaged or for another head model.
    """

    def __init__(self, worn: Worn, scene: Scene, head: HeadModel) -> None:
        self._camera, self._outside = scene.camera(), scene.outside()
        self._renderer = FrameRenderer(avatar_model(head, from_bytes(worn.data)), self._camera.width)

    def __call__(self, faces: Sequence[FaceParams]) -> Pictures:
        """[T, S, S, 3] the faces over white."""
        drawn = np.stack([self._renderer.render_rgb(face, self._camera, _WHITE) for face in faces])
        drawn[:, self._outside] = 255
        return drawn


def measure(setting: Setting, worn: Worn, draw: Drawing, judge: Judge) -> Point:
    """Codes, decodes and draws the faces of a scene."""
    coder, faces = setting.coder(), worn.faces()
    began = time.perf_counter()
    passed = [coder.pass_on(face) for face in faces]
    coded = time.perf_counter()
    shown = draw([face for _, face in passed])
    drawn = time.perf_counter()
    kbps = 8 * RATE * sum(size for size, _ in passed) / len(faces) / 1000
    times = (worn.follow_ms + 1e3 * (coded - began) / len(faces), 1e3 * (drawn - coded) / len(faces))
    return Point(setting.name, kbps, judge(shown), *times)
