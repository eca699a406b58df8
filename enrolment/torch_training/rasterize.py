"""Drawing that autograd can go back through: our kernels on the processor, gsplat on a graphics card."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from numpy.typing import NDArray
from torch import Tensor  # pyright: ignore[reportMissingImports]

from renderer.backends.cuda import load_rasterization
from renderer.backends.cuda_batch import GaussianBatch, Rasterization, draw
from renderer.backends.gradients import CloudGradients, DifferentiableRasterizer
from renderer.background import Background
from renderer.camera import Camera
from renderer.gaussians import GaussianCloud


class Rasterize(Protocol):
    """Draws a batch of clouds; gradients reach every tensor of the batch but `sh_from_world`."""

    def __call__(self, batch: GaussianBatch, cameras: Sequence[Camera], backgrounds: Sequence[Background]) -> Tensor:
        """[B, H, W, 3] float32 sRGB 0..1, on the batch's device.

        Raises:
            ValueError: the numbers of clouds, cameras and backgrounds differ, or the sizes of the cameras do.
        """
        ...


def rasterize_on(device: torch.device, threads: int = 2) -> Rasterize:
    """What draws on `device`; `threads` is for the processor.

    Raises:
        CudaUnavailableError: gsplat or the graphics card is missing.
    """
    if device.type == "cuda":
        return GsplatRasterize(load_rasterization())
    return CpuRasterize(threads)


class GsplatRasterize:
    """All clouds of a batch in one call of gsplat; differences from the exact rules stand in docs/cuda.md."""

    def __init__(self, rasterization: Rasterization) -> None:
        self._rasterization = rasterization

    def __call__(self, batch: GaussianBatch, cameras: Sequence[Camera], backgrounds: Sequence[Background]) -> Tensor:
        """As in `Rasterize`."""
        return draw(self._rasterization, batch, cameras, backgrounds)


class CpuRasterize:
    """One cloud after the other with renderer.backends.gradients.

    Each place in the batch keeps a rasterizer, whose buffers its backward pass needs.

    Args:
        threads: how many threads work on one picture together.
    """

    def __init__(self, threads: int = 2) -> None:
        self._threads = threads
        self._places: list[_Place] = []

    def __call__(self, batch: GaussianBatch, cameras: Sequence[Camera], backgrounds: Sequence[Background]) -> Tensor:
        """As in `Rasterize`."""
        size = len(batch.means)
        if not size == len(cameras) == len(backgrounds):
            raise ValueError(f"{size} clouds, {len(cameras)} cameras and {len(backgrounds)} backgrounds")
        if len({(camera.width, camera.height) for camera in cameras}) > 1:
            raise ValueError("views of several sizes, one call draws one size")
        while len(self._places) < size:
            self._places.append(_Place(self._threads))
        images = []
        for i in range(size):
            rest = None if batch.sh_rest is None else batch.sh_rest[i]
            turn = None if batch.sh_from_world is None else _array(batch.sh_from_world[i])
            view = _View(self._places[i], cameras[i], backgrounds[i], turn)
            images.append(
                _Draw.apply(
                    view, batch.means[i], batch.quats[i], batch.scales[i], batch.opacities[i], batch.colors[i], rest
                )
            )
        return torch.stack(images)


class _Place:
    """A rasterizer and what it drew last."""

    def __init__(self, threads: int) -> None:
        self.rasterizer = DifferentiableRasterizer(threads)
        self.drawn: object = None

    def forward(self, cloud: GaussianCloud, view: _View) -> NDArray[np.float32]:
        self.drawn = cloud
        return self.rasterizer.forward(cloud, view.camera, view.background)

    def backward(self, cloud: GaussianCloud, view: _View, gradient: NDArray[np.float32]) -> CloudGradients:
        if self.drawn is not cloud:  # another picture was drawn before this one's turn came
            self.forward(cloud, view)
        return self.rasterizer.backward(gradient)


class _View:
    def __init__(
        self, place: _Place, camera: Camera, background: Background, sh_from_world: NDArray[np.float32] | None
    ) -> None:
        self.place, self.camera, self.background, self.sh_from_world = place, camera, background, sh_from_world


class _Draw(torch.autograd.Function):
    @staticmethod
    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any,
        view: _View,
        means: Tensor,
        quats: Tensor,
        scales: Tensor,
        opacities: Tensor,
        colors: Tensor,
        sh_rest: Tensor | None,
    ) -> Tensor:
        rest = None if sh_rest is None or not sh_rest.shape[1] else _array(sh_rest)
        fields = [_array(tensor) for tensor in (means, quats, scales, opacities, colors)]
        cloud = GaussianCloud(*fields, sh_rest=rest, sh_from_world=view.sh_from_world)
        ctx.view, ctx.cloud, ctx.empty = view, cloud, sh_rest if rest is None else None
        return torch.from_numpy(view.place.forward(cloud, view))

    @staticmethod
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *gradients: Tensor
    ) -> tuple[Tensor | None, ...]:
        found = ctx.view.place.backward(ctx.cloud, ctx.view, _array(gradients[0]))
        by = [torch.from_numpy(a) for a in (found.means, found.quats, found.scales, found.opacities, found.colors)]
        rest = None if found.sh_rest is None else torch.from_numpy(found.sh_rest)
        return None, *by, torch.zeros_like(ctx.empty) if ctx.empty is not None else rest


def _array(tensor: Tensor) -> NDArray[np.float32]:
    """The tensor's numbers, which must not change until the backward pass is done."""
    return np.ascontiguousarray(tensor.detach().numpy(), np.float32)
