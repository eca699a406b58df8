"""How fast heads are drawn: whole frames, one thread, and where the time goes.

A whole frame is everything from face parameters to the video frame's planes: mesh, bases, Gaussians, projection,
sorting, binning, blending, YUV. Every frame shows another expression from another side.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from avatar_store.errors import AvatarStoreError
from avatar_store.guests import guest_bytes, list_guests
from codec.avatar_asset import AvatarAsset
from codec.avatar_file import unpack_avatar
from codec.params import MAX_EXPRESSION, FaceParams
from renderer.avatar.avatar_model import AvatarModel
from renderer.avatar.frame_renderer import FrameRenderer
from renderer.avatar.warm_up import warm_up
from renderer.backends.reference import ReferenceRasterizer
from renderer.framing import Framing
from renderer.head.model import HeadModel
from renderer.head.open_head import load_open_head
from renderer.yuv import YuvPlanes
from visavis.bench.report import Figure
from visavis.bench.synthetic import synthetic_avatar

SIZES = (512, 256, 1024)
FRAMES = 400
BACKGROUND = (0.93, 0.93, 0.94)


def run(console: Console) -> list[Figure]:
    """Draws guest avatar number one (or a synthetic avatar) and returns `render.*`."""
    with console.status("preparing the renderer ...") as status:
        warm_up(lambda doing, share: status.update(f"{doing} ... {share:.0%}"))
        head = load_open_head()
        asset = _avatar(head)
        avatar = AvatarModel(head, asset)
        faces = _moving_face(FRAMES)
        figures: list[Figure] = []
        for size in SIZES:
            status.update(f"drawing {FRAMES} frames of {size} x {size} ...")
            taken, cpu_ms = frame_times(avatar, faces, size)
            median = float(np.median(taken))
            figures.append(Figure(f"render.fps_{size}", 1000 / median, "1/s", "higher"))
            if size == SIZES[0]:
                figures.append(Figure(f"render.frame_ms_{size}_median", median, "ms", "lower"))
                p99 = float(np.percentile(taken, 99))
                figures.append(Figure(f"render.frame_ms_{size}_p99", p99, "ms", "lower"))
                figures.append(Figure(f"render.frame_cpu_ms_{size}", cpu_ms, "ms", "lower"))
        status.update("taking a frame apart ...")
        figures += [
            Figure(f"render.phase_ms_{name}", value, "ms", "lower")
            for name, value in phase_times(avatar, faces[0]).items()
        ]
        status.update("drawing with the reference rasterizer ...")
        seconds, decibels = _against_the_reference(avatar, faces[1])
        figures.append(Figure("render.speedup_over_reference", 1000 * seconds / _figure(figures, 512), "x", "higher"))
        figures.append(Figure("render.psnr_db", decibels, "dB", "higher"))
    console.print(f"{asset.name}: {asset.count} Gaussians, {len(asset.basis_grid)} bases, one thread")
    return figures


def frame_times(avatar: AvatarModel, faces: list[FaceParams], size: int) -> tuple[NDArray[np.float64], float]:
    """Milliseconds of each whole frame, the first few left out, and the median of the processor's time for one.

    The two differ where other programs want the same core.
    """
    renderer, planes = FrameRenderer(avatar, max_size=size), YuvPlanes.allocate(size, size)
    framing = Framing()
    framing.observe(faces[0].translation, 0.0)
    taken: list[tuple[float, float]] = []
    for i, face in enumerate(faces):
        camera = framing.camera(yaw=0.5 * np.sin(0.05 * i), pitch=0.1, size=size)
        start, cpu_start = time.perf_counter(), time.thread_time()
        renderer.render(face, camera, BACKGROUND, planes)
        taken.append((time.perf_counter() - start, time.thread_time() - cpu_start))
    wall, cpu = 1000 * np.array(taken[len(taken) // 20 :]).T
    return wall, float(np.median(cpu))


def phase_times(avatar: AvatarModel, face: FaceParams, size: int = 512, repeats: int = 100) -> dict[str, float]:
    """Median milliseconds of the processor's time for each phase of one frame, the data still in its caches."""
    renderer = FrameRenderer(avatar, max_size=size)
    planes = YuvPlanes.allocate(size, size)
    framing = Framing()
    framing.observe(face.translation, 0.0)
    renderer.render(face, framing.camera(size=size), BACKGROUND, planes)
    return {name: _median_ms(phase, repeats) for name, phase in renderer.phases().items()}


def _median_ms(action: Callable[[], None], repeats: int) -> float:
    taken: list[float] = []
    for _ in range(repeats):
        start = time.thread_time()
        action()
        taken.append(1000 * (time.thread_time() - start))
    return float(np.median(taken))


def _against_the_reference(avatar: AvatarModel, face: FaceParams) -> tuple[float, float]:
    framing = Framing()
    framing.observe(face.translation, 0.0)
    camera = framing.camera(size=512)
    start = time.thread_time()
    expected = ReferenceRasterizer().rasterize(avatar.pose(face), camera, BACKGROUND)
    seconds = time.thread_time() - start
    error = np.mean((FrameRenderer(avatar).render_rgb(face, camera, BACKGROUND) / 255 - expected) ** 2)
    return seconds, -10 * float(np.log10(max(error, 1e-12)))


def _figure(figures: list[Figure], size: int) -> float:
    return next(figure.value for figure in figures if figure.name == f"render.frame_cpu_ms_{size}")


def _avatar(head: HeadModel) -> AvatarAsset:
    try:
        for guest in list_guests():
            asset = unpack_avatar(guest_bytes(guest.avatar_id))
            if asset.head_model_id == head.model_id:
                return asset
    except AvatarStoreError:
        pass  # an installation without guests is measured with a made-up avatar
    return synthetic_avatar(head)


def _moving_face(frames: int) -> list[FaceParams]:
    rest = FaceParams.neutral()
    pace = 0.05 + 0.1 * np.random.default_rng(0).random(MAX_EXPRESSION)
    return [
        replace(
            rest,
            expression=np.sin(pace * i + np.arange(MAX_EXPRESSION)).astype(np.float32),
            global_rotation=np.array([0.1 * np.sin(0.07 * i), 0.4 * np.sin(0.03 * i), 0], np.float32),
            jaw_pose=np.array([0.1 + 0.1 * np.sin(0.3 * i), 0, 0], np.float32),
            eyelids=np.full(2, i % 50 < 4, np.float32),
        )
        for i in range(frames)
    ]
