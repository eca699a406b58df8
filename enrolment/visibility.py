"""How much of each number of an avatar is seen: the mean squared change of pictures per squared change of the number.

Pictures of noise are sent back through the renderer (renderer.avatar.avatar_gradients). As the noise of different
pixels is independent, the expected square of what arrives at a number is the sum over all pixels of the squares of
their derivatives (Hutchinson 1989).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codec.avatar_asset import BASIS_CHANNELS, AvatarAsset
from codec.params import FaceParams
from renderer.avatar.avatar_gradients import AvatarGradients
from renderer.avatar.avatar_model import AvatarModel
from renderer.avatar.linear_poser import LinearPoser
from renderer.backends.gradient_workspace import GradientWorkspace
from renderer.camera import Camera
from renderer.head.model import HeadModel

Array = NDArray[np.float64]

_WHITE = (1.0, 1.0, 1.0)


@dataclass(frozen=True)
class Shot:
    """A picture that people may see, its sides multiples of 16.

    Args:
        params: the face.
        camera: the view.
        weight: how much it counts; relative.
    """

    params: FaceParams
    camera: Camera
    weight: float = 1.0


@dataclass(frozen=True, eq=False)
class Visibility:
    """Squared gray levels (of 255) per squared unit, mean over the pixels of all shots.

    Args:
        means: [N] per metre, mean of the three axes.
        scales: [N] per e-fold.
        colors: [N] per sRGB's range.
        grid: [BASIS_CHANNELS, G, G] of the sum of the bases; G = 0 without bases.
    """

    means: Array
    scales: Array
    colors: Array
    grid: Array


def measure_visibility(head: HeadModel, asset: AvatarAsset, shots: Sequence[Shot], seed: int = 0) -> Visibility:
    """Draws the shots and sends noise back.

    Args:
        head: the head model of `asset`.
        asset: the avatar.
        shots: at least one.
        seed: of the noise.

    Raises:
        ValueError: there are no shots.
    """
    if not shots:
        raise ValueError("visibility needs shots")
    poser = LinearPoser(AvatarModel(head, asset), threads=1)
    raster = GradientWorkspace(poser.workspace, shares=1)
    gradients = AvatarGradients(poser, raster)
    random = np.random.default_rng(seed)
    count, size = asset.count, asset.basis_grid.shape[-1] if len(asset.basis_grid) else 0
    sums = [np.zeros((3, count)), np.zeros((3, count)), np.zeros((3, count)), np.zeros((size**2, BASIS_CHANNELS))]
    total = sum(shot.weight for shot in shots)
    for shot in shots:
        poser.prepare(shot.params)
        poser.workspace.set_view(shot.camera, _WHITE)
        pixels = poser.workspace.set_planar_output()[0].size
        poser.pose()
        poser.workspace.draw()
        planes = raster.gradient_planes()
        planes[:3] = random.choice(np.array([-255, 255], np.float32), planes[:3].shape)
        planes[3:] = 0
        raster.backward()
        gradients.backward()
        found = (gradients.local_means, gradients.log_scales, gradients.colors)
        arrays = [array[:, :count] for array in found] + [gradients.grid[: size**2, :BASIS_CHANNELS]]
        for entry, array in zip(sums, arrays, strict=True):
            entry += np.square(array.astype(np.float64)) * (shot.weight / total / (3 * pixels))
    means, scales, colors = (entry.mean(axis=0) for entry in sums[:3])
    return Visibility(means, scales, colors, sums[3].T.reshape(BASIS_CHANNELS, size, size))
