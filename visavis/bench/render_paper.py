"""What profile `paper` costs on a CPU: its network runs for every Gaussian of every frame.

Avatars of both profiles have as many Gaussians as the paper's; they are made up, which changes no time.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from rich.console import Console

from codec.params import FaceParams
from renderer.avatar.avatar_model import AvatarModel
from renderer.avatar.frame_renderer import FrameRenderer
from renderer.avatar.paper_model import PaperAvatarModel
from renderer.avatar.paper_poser import PaperPoser
from renderer.camera import Camera
from renderer.head.open_head import load_open_head
from visavis.bench.report import Figure
from visavis.bench.synthetic import synthetic_avatar
from visavis.bench.synthetic_paper import PAPER_COUNT, synthetic_paper_avatar

FRAMES = 30
LINEAR_FRAMES = 300


def run(console: Console) -> list[Figure]:
    """Poses a `paper` and a `linear` avatar and returns `render.*_pose_ms_1thread`, processor's time for one frame."""
    with console.status("posing avatars of both profiles ..."):
        head = load_open_head()
        model = PaperAvatarModel(head, synthetic_paper_avatar(head))
        paper_ms = _paper_ms(model)
        linear_ms = _linear_ms(AvatarModel(head, synthetic_avatar(head, PAPER_COUNT)))
    console.print(
        f"profile paper: a network of {model.asset.parameter_count:,} numbers runs for each of {model.count:,} "
        f"Gaussians, {paper_ms:.0f} ms a frame on one core before anything is drawn: at most {1000 / paper_ms:.0f} "
        "frames a second.\n"
        f"profile linear, the default, poses as many Gaussians with 16 bases in {linear_ms:.2f} ms, "
        f"{paper_ms / linear_ms:.0f} times as fast."
    )
    return [
        Figure("render.paper_pose_ms_1thread", paper_ms, "ms", "lower"),
        Figure("render.linear_pose_ms_1thread", linear_ms, "ms", "lower"),
    ]


def _paper_ms(model: PaperAvatarModel) -> float:
    poser = PaperPoser(model)
    face = FaceParams.neutral()

    def frame() -> None:
        poser.prepare(face)
        poser.pose()

    return _median_ms(frame, FRAMES)


def _linear_ms(avatar: AvatarModel) -> float:
    renderer = FrameRenderer(avatar, max_size=16)  # owns what its phases work on
    renderer.render_rgb(FaceParams.neutral(), Camera.looking_from_lens(16, 16, 16.0), (0, 0, 0))
    return _median_ms(renderer.phases()["pose"], LINEAR_FRAMES)


def _median_ms(frame: Callable[[], None], frames: int) -> float:
    """Time of all threads, so that a BLAS of many threads does not look faster than it is."""
    frame()
    taken: list[float] = []
    for _ in range(frames):
        start = time.process_time()
        frame()
        taken.append(1000 * (time.process_time() - start))
    return float(np.median(taken))
