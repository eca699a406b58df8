"""Whole frames of many peers on the graphics card: face parameters in, pictures out.

Needs PyTorch (extra `cuda`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from numpy.typing import NDArray
from torch import Tensor  # pyright: ignore[reportMissingImports]

from codec.params import FaceParams
from renderer.avatar.avatar_model import INSTANT_SIZE, AvatarModel, instant_vector
from renderer.backends.cuda import load_rasterization
from renderer.backends.cuda_batch import GaussianBatch, Rasterization, draw, groups_by_size
from renderer.backends.cuda_output import Output, Pending, Reader, convert, planes_of
from renderer.backends.cuda_pose import TorchPoser
from renderer.background import Background
from renderer.camera import Camera
from renderer.yuv import YuvPlanes


class FramesInFlight:
    """The pictures of one instant, on their way to the computer's memory."""

    def __init__(self, pending: Pending, groups: list[list[int]], cameras: Sequence[Camera]) -> None:
        self._pending = pending
        self._groups = groups
        self._cameras = cameras

    def wait(self) -> list[NDArray[Any]]:
        """One array for each peer, as `output` said; the second `submit` from this frame's on overwrites them."""
        pictures: dict[int, NDArray[Any]] = {}
        for group, arrays in zip(self._groups, self._pending.wait(), strict=True):
            pictures.update(zip(group, arrays, strict=True))
        return [pictures[i] for i in range(len(self._cameras))]

    def planes(self) -> list[YuvPlanes]:
        """The same for the output "i420", as planes in that memory."""
        return [
            planes_of(picture, camera.width, camera.height)
            for picture, camera in zip(self.wait(), self._cameras, strict=True)
        ]


class CudaFrameRenderer:
    """Poses and draws B avatars, each peer's once per call, with one call of gsplat for each picture size.

    An instance must not be used by two threads at once.

    Args:
        avatars: B avatars, also of different head models.
        max_size: largest width and height of a picture, pixels.
        device: PyTorch's name of the card.
        rasterization: for tests: what draws in gsplat's place; then `device` may be "cpu".

    Raises:
        CudaUnavailableError: gsplat or the card is missing.
        ValueError: there is no avatar.
    """

    def __init__(
        self,
        avatars: Sequence[AvatarModel],
        max_size: int = 512,
        *,
        device: str = "cuda",
        rasterization: Rasterization | None = None,
    ) -> None:
        self._rasterization = rasterization or load_rasterization()
        if not avatars:
            raise ValueError("there is no avatar to draw")
        self.max_size = max_size
        self.size = len(avatars)
        self._device = torch.device(device)
        self._reader = Reader(self._device)
        self._posed: GaussianBatch | None = None
        heads: dict[str, list[int]] = {}
        for i, avatar in enumerate(avatars):
            heads.setdefault(avatar.head.model_id, []).append(i)
        count = max(1, *(avatar.count for avatar in avatars))
        with torch.inference_mode():
            posers = [TorchPoser([avatars[i] for i in group], count, self._device) for group in heads.values()]
            self._poser = _RecordedPosers(posers, list(heads.values()), self._device)
            self._scales = self._poser.in_order([poser.scales for poser in posers])
            self._opacities = self._poser.in_order([poser.opacities for poser in posers])

    @torch.inference_mode()
    def pose(self, params: Sequence[FaceParams]) -> GaussianBatch:
        """The Gaussians of one instant, on the device; the next call overwrites them.

        Raises:
            ValueError: there is not one instant for each avatar.
        """
        if len(params) != self.size:
            raise ValueError(f"{len(params)} faces for {self.size} avatars")
        means, quats, colors = self._poser(np.stack([instant_vector(face) for face in params]))
        return GaussianBatch(means, quats, self._scales, self._opacities, colors)

    @torch.inference_mode()
    def submit(
        self,
        params: Sequence[FaceParams],
        cameras: Sequence[Camera],
        backgrounds: Sequence[Background],
        output: Output = "i420",
    ) -> FramesInFlight:
        """Poses, draws, converts and sends one picture of each peer, and does not wait for the last two.

        Args:
            params: B faces.
            cameras: B views; their sizes may differ.
            backgrounds: B of them.
            output: what arrives.

        Raises:
            ValueError: a number of arguments is wrong, or a picture is larger than `max_size`.
        """
        self._check_views(cameras, backgrounds)
        self._posed = self.pose(params)
        return self._submit(self._posed, cameras, backgrounds, output)

    @torch.inference_mode()
    def submit_view(
        self, cameras: Sequence[Camera], backgrounds: Sequence[Background], output: Output = "i420"
    ) -> FramesInFlight:
        """Other views of the instant that was submitted last; arguments and errors as in `submit`.

        Raises:
            RuntimeError: nothing was submitted yet.
        """
        self._check_views(cameras, backgrounds)
        if self._posed is None:
            raise RuntimeError("there is no instant yet that could be seen from elsewhere")
        return self._submit(self._posed, cameras, backgrounds, output)

    def _check_views(self, cameras: Sequence[Camera], backgrounds: Sequence[Background]) -> None:
        for camera in cameras:
            if max(camera.width, camera.height) > self.max_size:
                size = f"{camera.width} x {camera.height}"
                raise ValueError(f"a picture of {size}, at most {self.max_size} was announced")
        if not self.size == len(cameras) == len(backgrounds):
            raise ValueError(f"{self.size} avatars, {len(cameras)} cameras and {len(backgrounds)} backgrounds")

    def _submit(
        self, batch: GaussianBatch, cameras: Sequence[Camera], backgrounds: Sequence[Background], output: Output
    ) -> FramesInFlight:
        groups, results = groups_by_size(cameras), []
        for group in groups:
            part = batch
            if len(groups) > 1:
                part = batch.rows(torch.tensor(group).to(self._device, non_blocking=True))
            views, behind = [cameras[i] for i in group], [backgrounds[i] for i in group]
            results.append(convert(draw(self._rasterization, part, views, behind), output))
        return FramesInFlight(self._reader.send(results), groups, cameras)

    def render(
        self,
        params: Sequence[FaceParams],
        cameras: Sequence[Camera],
        backgrounds: Sequence[Background],
        planes: Sequence[YuvPlanes],
    ) -> None:
        """Draws one instant into B video frames; arguments and errors as in `submit`.

        Raises:
            ValueError: also if planes have another size than their camera.
        """
        _check_planes(planes, cameras)
        _fill(planes, self.submit(params, cameras, backgrounds, "i420"))

    def render_view(
        self, cameras: Sequence[Camera], backgrounds: Sequence[Background], planes: Sequence[YuvPlanes]
    ) -> None:
        """Draws other views of the instant that was rendered last; errors as in `render` and `submit_view`."""
        _check_planes(planes, cameras)
        _fill(planes, self.submit_view(cameras, backgrounds, "i420"))

    def render_rgb(
        self, params: Sequence[FaceParams], cameras: Sequence[Camera], backgrounds: Sequence[Background]
    ) -> list[NDArray[np.uint8]]:
        """[H, W, 3] uint8 sRGB pictures of one instant; arguments and errors as in `submit`."""
        return [picture.copy() for picture in self.submit(params, cameras, backgrounds, "rgb8").wait()]


def _check_planes(planes: Sequence[YuvPlanes], cameras: Sequence[Camera]) -> None:
    sizes = [(each.width, each.height) for each in planes]
    if sizes != [(camera.width, camera.height) for camera in cameras]:
        raise ValueError("the planes have other sizes than the cameras")


def _fill(planes: Sequence[YuvPlanes], frames: FramesInFlight) -> None:
    for target, drawn in zip(planes, frames.planes(), strict=True):
        target.y[:], target.u[:], target.v[:] = drawn.y, drawn.u, drawn.v


class _RecordedPosers:
    """Runs the posers of all head models; on a card as one recorded graph instead of some two hundred launches."""

    def __init__(self, posers: list[TorchPoser], groups: list[list[int]], device: torch.device) -> None:
        self._posers = posers
        self._rows = [torch.tensor(group, device=device) for group in groups]
        self._order = torch.tensor(np.argsort(np.concatenate(groups)), device=device)
        self._vectors = torch.zeros(len(self._order), INSTANT_SIZE, device=device)
        self._device = device
        self._graph: Any | None = None
        self._posed: tuple[Tensor, ...] = ()

    def in_order(self, parts: Sequence[Tensor]) -> Tensor:
        """The posers' results as one tensor in the order of the avatars."""
        return parts[0] if len(parts) == 1 else torch.cat(list(parts)).index_select(0, self._order)

    def __call__(self, vectors: NDArray[np.float32]) -> tuple[Tensor, ...]:
        self._vectors.copy_(torch.from_numpy(vectors), non_blocking=True)
        if self._device.type != "cuda":
            return self._pose()
        if self._graph is None:
            self._record()
        assert self._graph is not None
        self._graph.replay()
        return self._posed

    def _pose(self) -> tuple[Tensor, ...]:
        if len(self._posers) == 1:
            return self._posers[0].pose(self._vectors)
        parts = [poser.pose(self._vectors[rows]) for poser, rows in zip(self._posers, self._rows, strict=True)]
        return tuple(self.in_order(each) for each in zip(*parts, strict=True))

    def _record(self) -> None:
        stream = torch.cuda.Stream(self._device)  # libraries set themselves up on a stream that is not recorded
        stream.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(stream):
            for _ in range(3):
                self._pose()
        torch.cuda.current_stream(self._device).wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):  # others may go on using the card
            self._posed = self._pose()
        self._graph = graph
