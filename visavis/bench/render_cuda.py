"""How fast a graphics card draws heads: one as often as possible, and sixty-four at the pace of a call.

A frame is everything from face parameters to I420 planes in the computer's memory, as in visavis.bench.render.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from rich.console import Console

from avatar_store.errors import AvatarStoreError
from avatar_store.guests import guest_bytes, list_guests
from codec.avatar_file import unpack_avatar
from codec.params import MAX_EXPRESSION, FaceParams
from renderer.avatar.avatar_model import AvatarModel
from renderer.backends.cuda import CudaRasterizer, why_unavailable
from renderer.backends.reference import ReferenceRasterizer
from renderer.camera import Camera
from renderer.framing import Framing
from renderer.head.open_head import load_open_head
from visavis.bench.report import Figure
from visavis.bench.synthetic import synthetic_avatar

SIZE = 512
FRAMES = 2000
LEAD_IN = 50
"""Frames before those that count: libraries set themselves up, and the posing is recorded."""

PEERS = 64
SLOT_S = 0.04
SLOTS = 250
BACKGROUND = (0.93, 0.93, 0.94)


def run(console: Console, avatar: AvatarModel | None = None) -> list[Figure]:
    """`render.cuda_*`, or nothing with the reason printed where there is no usable card.

    Args:
        console: shows what is being done.
        avatar: what is drawn; without it the first guest, or a made-up avatar.
    """
    with console.status("looking for a graphics card (gsplat compiles its kernels the first time) ..."):
        reason = why_unavailable()
    if reason is not None:
        console.print(f"not measured on a graphics card: {reason}", markup=False)
        return []
    from renderer.backends.cuda_frames import CudaFrameRenderer

    avatar = avatar or _first_avatar()
    faces = moving_faces(64)
    cameras = _cameras(faces[0], 64)
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


def moving_faces(count: int) -> list[FaceParams]:
    """Faces of a person who talks and turns."""
    pace = 0.05 + 0.1 * np.random.default_rng(0).random(MAX_EXPRESSION)
    return [
        replace(
            FaceParams.neutral(),
            expression=np.sin(pace * i + np.arange(MAX_EXPRESSION)).astype(np.float32),
            global_rotation=np.array([0.1 * np.sin(0.07 * i), 0.4 * np.sin(0.03 * i), 0], np.float32),
            jaw_pose=np.array([0.1 + 0.1 * np.sin(0.3 * i), 0, 0], np.float32),
        )
        for i in range(count)
    ]


def _cameras(face: FaceParams, count: int) -> list[Camera]:
    framing = Framing()
    framing.observe(face.translation, 0.0)
    return [framing.camera(yaw=0.5 * np.sin(0.05 * i), pitch=0.1, size=SIZE) for i in range(count)]


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


def _first_avatar() -> AvatarModel:
    head = load_open_head()
    try:
        for guest in list_guests():
            asset = unpack_avatar(guest_bytes(guest.avatar_id))
            if asset.head_model_id == head.model_id:
                return AvatarModel(head, asset)
    except AvatarStoreError:
        pass  # an installation without guests is measured with a made-up avatar
    return AvatarModel(head, synthetic_avatar(head))
