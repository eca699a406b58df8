"""Rasterization alone: forward, forward and backward, beside PyTorch and plain Numba; how exact both passes are."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from rich.console import Console

from renderer.avatar.avatar_model import AvatarModel
from renderer.backends.cpu import CpuRasterizer
from renderer.backends.gradient_workspace import GradientWorkspace
from renderer.backends.kernels.backward import quats_backward
from renderer.backends.kernels.draw import axes_from_quats
from renderer.backends.reference import ReferenceRasterizer
from renderer.backends.workspace import RasterWorkspace
from renderer.camera import Camera
from renderer.gaussians import GaussianCloud
from visavis.bench.peers import load_peer
from visavis.bench.render_scene import BACKGROUND, moving_face, swinging_camera
from visavis.bench.report import Figure

SIZE = 512
THREADS = 2
REPEATS = 60
PEER_REPEATS = 7
VIEWS = 3
SETTLE_S = 0.2
"""Threads of OpenMP go on spinning for a while after their work, on the cores that the others are measured on."""


def run(avatar: AvatarModel, console: Console) -> list[Figure]:
    """`render.forward_*`, `render.fwdbwd_*`, `render.psnr_db`, `render.grad_rel_error`."""
    face = moving_face(2)[1]
    cloud, camera = avatar.pose(face), next(swinging_camera(face, SIZE))
    with console.status("drawing and differentiating pictures ..."):
        forward, fwdbwd = _passes(cloud, camera)
        forward_ms, fwdbwd_ms = _median_ms(forward, REPEATS), _median_ms(fwdbwd, REPEATS)
    figures = [
        Figure("render.forward_ms", forward_ms, "ms", "lower"),
        Figure("render.fwdbwd_ms", fwdbwd_ms, "ms", "lower"),
    ]
    figures += _beside_torch(cloud, camera, forward, fwdbwd, console)
    figures += _beside_loops(cloud, camera, forward, console)
    with console.status("drawing with the float64 oracle ..."):
        figures.append(Figure("render.psnr_db", _psnr_db(avatar), "dB", "higher"))
    oracle = load_peer("torch_oracle", console)
    if oracle is not None:
        with console.status("differentiating in float64 ..."):
            figures.append(Figure("render.grad_rel_error", max(oracle.gradient_errors().values()), "", "lower"))
    return figures


def _passes(cloud: GaussianCloud, camera: Camera) -> tuple[Callable[[], None], Callable[[], None]]:
    """Forward, and forward with backward, from means, quaternions, scales, opacities and colors in kept buffers."""
    count = len(cloud.means)
    workspace = RasterWorkspace(count, THREADS)
    workspace.means[:, :count], workspace.colors[:, :count] = cloud.means.T, cloud.colors.T
    workspace.log2_opacities[:count] = np.log2(cloud.opacities)
    workspace.set_view(camera, BACKGROUND)
    workspace.set_planar_output()
    gradients = GradientWorkspace(workspace)
    planes = gradients.gradient_planes()
    planes[:3] = np.random.default_rng(0).normal(size=planes[:3].shape)
    by_quats, by_scales = np.empty((count, 4), np.float32), np.empty((count, 3), np.float32)

    def forward() -> None:
        axes_from_quats(cloud.quats, cloud.scales, workspace.axes)
        workspace.draw()

    def fwdbwd() -> None:
        forward()
        gradients.backward()
        quats_backward(cloud.quats, cloud.scales, gradients.axes, by_quats, by_scales)

    return forward, fwdbwd


def _median_ms(action: Callable[[], Any], repeats: int) -> float:
    """Milliseconds by the clock."""
    action()
    taken: list[float] = []
    for _ in range(repeats):
        start = time.perf_counter()
        action()
        taken.append(1000 * (time.perf_counter() - start))
    return float(np.median(taken))


def _side_by_side(ours: Callable[[], Any], peer: Callable[[], Any]) -> tuple[float, float]:
    """Median milliseconds of both, taken in turns, so that a slow spell of the machine meets both."""
    times: list[tuple[float, float]] = []
    for _ in range(PEER_REPEATS):
        time.sleep(SETTLE_S)
        ours_ms = _median_ms(ours, REPEATS // PEER_REPEATS)
        times.append((ours_ms, _median_ms(peer, 1)))
    ours_ms, peer_ms = np.median(times, axis=0)
    return float(ours_ms), float(peer_ms)


def _beside_torch(
    cloud: GaussianCloud, camera: Camera, forward: Callable[[], None], fwdbwd: Callable[[], None], console: Console
) -> list[Figure]:
    peer = load_peer("torch_rasterizer", console)
    if peer is None:
        return []
    torch = peer.torch
    torch.set_num_threads(THREADS)
    names = ("means", "quats", "scales", "opacities", "colors")
    leaves = [torch.tensor(getattr(cloud, name), requires_grad=True) for name in names]
    weights = torch.tensor(np.random.default_rng(0).normal(size=(SIZE, SIZE, 3)), dtype=torch.float32)

    def torch_forward() -> None:
        with torch.no_grad():
            peer.rasterize(*leaves, camera, BACKGROUND)

    def torch_fwdbwd() -> None:
        for leaf in leaves:
            leaf.grad = None
        (peer.rasterize(*leaves, camera, BACKGROUND) * weights).sum().backward()

    torch_fwdbwd()  # it settles with the first large allocations: 300 ms before them, 115 ms after
    figures: list[Figure] = []
    for name, ours, theirs in (("forward", forward, torch_forward), ("fwdbwd", fwdbwd, torch_fwdbwd)):
        with console.status(f"{name}: side by side with PyTorch {torch.__version__} ..."):
            ours_ms, torch_ms = _side_by_side(ours, theirs)
        figures.append(Figure(f"render.{name}_torch_ms", torch_ms, "ms", "lower"))
        figures.append(Figure(f"render.{name}_vs_torch", torch_ms / ours_ms, "x", "higher"))
    return figures


def _beside_loops(cloud: GaussianCloud, camera: Camera, forward: Callable[[], None], console: Console) -> list[Figure]:
    peer = load_peer("scalar_rasterizer", console)
    if peer is None:
        return []
    figures: list[Figure] = []
    with console.status("side by side with scalar Numba ..."):
        for suffix, parallel in (("", False), ("_parallel", True)):
            loops = peer.ScalarRasterizer(parallel=parallel)
            ours_ms, loops_ms = _side_by_side(forward, lambda loops=loops: loops.rasterize(cloud, camera, BACKGROUND))
            figures.append(Figure(f"render.forward_vs_scalar{suffix}", loops_ms / ours_ms, "x", "higher"))
    return figures


def _psnr_db(avatar: AvatarModel) -> float:
    """Against the oracle, over black and in float64: the worst of a few views."""
    rasterizer, oracle = CpuRasterizer(), ReferenceRasterizer()
    worst = np.inf
    faces = moving_face(VIEWS)
    for face, camera in zip(faces, swinging_camera(faces[0], SIZE), strict=False):
        cloud = avatar.pose(face)
        expected, _ = oracle.rasterize_float64(cloud, camera)
        error = np.mean((rasterizer.rasterize(cloud, camera, (0.0, 0.0, 0.0)).astype(np.float64) - expected) ** 2)
        worst = min(worst, -10 * float(np.log10(max(error, 1e-20))))
    return worst
