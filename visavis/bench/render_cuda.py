"""How fast a graphics card draws heads: one as often as possible, and sixty-four at the pace of a call.

A frame is everything from face parameters to I420 planes in the computer's memory, as in visavis.bench.render.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence

import numpy as np
from rich.console import Console

from codec.params import FaceParams
from renderer.avatar.avatar_model import AvatarModel
from renderer.backends.cuda import CudaRasterizer, why_unavailable
from renderer.backends.reference import ReferenceRasterizer
from renderer.camera import Camera
from visavis.bench.render_scene import BACKGROUND, moving_face, swinging_camera
from visavis.bench.report import Figure

SIZE = 512
FRAMES = 2000
LEAD_IN = 50
"""Frames before those that count: libraries set themselves up, and the posing is recorded."""

PEERS = 64
SLOT_S = 0.04
SLOTS = 250


def run(avatar: AvatarModel, console: Console) -> list[Figure]:
    """`render.cuda_*`, or nothing with the reason printed where there is no usable card.

    Args:
        avatar: what is drawn.
        console: shows what is being done.
    """
    with console.status("looking for a graphics card (gsplat compiles its kernels the first time) ..."):
        reason = why_unavailable()
    if reason is not None:
        console.print(f"not measured on a graphics card: {reason}", markup=False)
        return []
    from renderer.backends.cuda_frames import CudaFrameRenderer

    faces = moving_face(64)
    cameras = list(itertools.islice(swinging_camera(faces[0], SIZE), 64))
    with console.status(f"drawing {FRAMES} frames on the card ..."):
        one = CudaFrameRenderer([avatar], SIZE)
        fps, taken_ms = _single(one, faces, cameras)
    with console.status(f"drawing {PEERS} heads for {SLOTS * SLOT_S:.0f} s ..."):
        many = CudaFrameRenderer([avatar] * PEERS, SIZE)
        slots_s = _slots(many, faces, cameras)
    with console.status("drawing with the reference rasterizer ..."):
        cloud = avatar.pose(faces[1])
        expected = ReferenceRasterizer().rasterize(cloud, cameras[1], BACKGROUND)
        error = np.mean((CudaRasterizer().rasterize(cloud, cameras[1], BACKGROUND) - expected.astype(np.float64)) ** 2)
    p99 = float(np.percentile(slots_s, 99))
    return [
        Figure(f"render.cuda_fps_{SIZE}", fps, "1/s", "higher"),
        Figure(f"render.cuda_frame_ms_{SIZE}_median", float(np.median(taken_ms)), "ms", "lower"),
        Figure(f"render.cuda_frame_ms_{SIZE}_p99", float(np.percentile(taken_ms, 99)), "ms", "lower"),
        Figure(f"render.cuda_peers_{PEERS}_missed_pct", missed_pct(slots_s, SLOT_S), "%", "lower"),
        Figure(f"render.cuda_peers_{PEERS}_p99_ms", 1000 * p99, "ms", "lower"),
        Figure("render.cuda_psnr_db", -10 * float(np.log10(max(error, 1e-12))), "dB", "higher"),
    ]


def missed_pct(taken_s: Sequence[float], slot_s: float) -> float:
    """Share of the pictures, in percent, that were not there at the end of their slot.

    Work on a slot's picture begins with the slot, or when the last picture is done if that is later.

    Args:
        taken_s: seconds that each picture took.
        slot_s: seconds between two pictures.
    """
    done, missed = 0.0, 0
    for i, taken in enumerate(taken_s):
        done = max(i * slot_s, done) + taken
        missed += done > (i + 1) * slot_s
    return 100 * missed / max(len(taken_s), 1)


def _single(renderer, faces: list[FaceParams], cameras: list[Camera]) -> tuple[float, list[float]]:
    """Frames a second with one picture on its way while the next is drawn, and milliseconds of frames one by one."""
    instants = itertools.cycle(zip(faces, cameras, strict=True))

    def submit():
        face, camera = next(instants)
        return renderer.submit([face], [camera], [BACKGROUND])

    for _ in range(LEAD_IN):
        submit().wait()
    start, waiting = time.perf_counter(), submit()
    for _ in range(FRAMES - 1):
        following = submit()
        waiting.wait()
        waiting = following
    waiting.wait()
    fps = FRAMES / (time.perf_counter() - start)
    taken_ms = []
    for _ in range(FRAMES // 4):
        start = time.perf_counter()
        submit().wait()
        taken_ms.append(1000 * (time.perf_counter() - start))
    return fps, taken_ms


def _slots(renderer, faces: list[FaceParams], cameras: list[Camera]) -> list[float]:
    """Seconds that each instant of all peers took, every peer with a face and a view of its own."""
    taken_s = []
    for i in range(LEAD_IN + SLOTS):
        at = [(i + 7 * peer) % len(faces) for peer in range(PEERS)]
        start = time.perf_counter()
        renderer.submit([faces[j] for j in at], [cameras[j] for j in at], [BACKGROUND] * PEERS).wait()
        taken_s.append(time.perf_counter() - start)
    return taken_s[LEAD_IN:]
