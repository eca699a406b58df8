"""Whole frames: from face parameters to the video frame's planes, each with another expression from another side."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from renderer.avatar.avatar_model import AvatarModel
from renderer.avatar.frame_renderer import FrameRenderer
from renderer.yuv import YuvPlanes
from visavis.bench.render_peers import busy_core
from visavis.bench.render_scene import BACKGROUND, bench_avatar, moving_face, swinging_camera
from visavis.bench.report import Figure

SIZES = (512, 256, 1024)
FRAMES = 400
THREADS = 2

AVX2_FEATURES = "+avx,+avx2,+bmi,+bmi2,+cx16,+f16c,+fma,+lzcnt,+movbe,+popcnt,+sse3,+sse4.1,+sse4.2,+ssse3"
"""What Haswell of 2013 has. Numba compiles for it if told so by the environment."""


def run(avatar: AvatarModel, console: Console) -> list[Figure]:
    """`render.frame_*` and `render.phase_ms_*`: sizes, one and two threads, AVX2 only, beside a busy process."""
    figures: list[Figure] = []
    for size in SIZES:
        with console.status(f"drawing {FRAMES} frames of {size} x {size}, {THREADS} threads, then one ..."):
            for threads, suffix in ((THREADS, ""), (1, "_1thread")):
                figures += _of(f"{size}{suffix}", frame_times(avatar, size, threads))
    with console.status("drawing beside a busy process ..."), busy_core():
        for threads, suffix in ((THREADS, ""), (1, "_1thread")):
            taken = frame_times(avatar, SIZES[0], threads)
            figures.append(Figure(f"render.frame_p99_busy_ms{suffix}", float(np.percentile(taken, 99)), "ms", "lower"))
    with console.status("compiling for AVX2 alone and drawing again ..."):
        figures += _with_avx2_only(console)
    with console.status("taking a frame apart ..."):
        for name, milliseconds in phase_times(avatar).items():
            figures.append(Figure(f"render.phase_ms_{name}", milliseconds, "ms", "lower"))
    return figures


def _of(name: str, taken: NDArray[np.float64]) -> list[Figure]:
    return [
        Figure(f"render.frame_fps_{name}", 1000 / float(np.median(taken)), "1/s", "higher"),
        Figure(f"render.frame_p99_ms_{name}", float(np.percentile(taken, 99)), "ms", "lower"),
    ]


def frame_times(avatar: AvatarModel, size: int, threads: int) -> NDArray[np.float64]:
    """Milliseconds of each whole frame by the clock, the first few left out."""
    renderer, planes = FrameRenderer(avatar, max_size=size, threads=threads), YuvPlanes.allocate(size, size)
    faces = moving_face(FRAMES)
    taken: list[float] = []
    for face, camera in zip(faces, swinging_camera(faces[0], size), strict=False):
        start = time.perf_counter()
        renderer.render(face, camera, BACKGROUND, planes)
        taken.append(time.perf_counter() - start)
    return 1000 * np.array(taken[FRAMES // 20 :])


def phase_times(avatar: AvatarModel, size: int = SIZES[0], repeats: int = 100) -> dict[str, float]:
    """Median milliseconds of the processor's time for each phase of one frame, the data still in its caches."""
    renderer, planes = FrameRenderer(avatar, max_size=size), YuvPlanes.allocate(size, size)
    face = moving_face(1)[0]
    renderer.render(face, next(swinging_camera(face, size)), BACKGROUND, planes)
    return {name: _median_ms(phase, repeats) for name, phase in renderer.phases().items()}


def _median_ms(action: Callable[[], None], repeats: int) -> float:
    taken: list[float] = []
    for _ in range(repeats):
        start = time.thread_time()
        action()
        taken.append(1000 * (time.thread_time() - start))
    return float(np.median(taken))


def _with_avx2_only(console: Console) -> list[Figure]:
    """The figures at 512 x 512 of another process, which compiles for a processor without AVX-512."""
    environment = {**os.environ, "NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": AVX2_FEATURES}
    command = [sys.executable, "-m", "visavis.bench.render_frames"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        console.print("not measured with AVX2 alone: " + (done.stderr.strip().splitlines() or ["no reason given"])[-1])
        return []
    return [Figure(**figure) for figure in json.loads(done.stdout)]


def _main() -> None:
    avatar = bench_avatar()
    figures = _of("512_avx2", frame_times(avatar, 512, THREADS)) + _of("512_avx2_1thread", frame_times(avatar, 512, 1))
    json.dump([figure.__dict__ for figure in figures], sys.stdout)


if __name__ == "__main__":
    _main()
