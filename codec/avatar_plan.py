"""What a writer of version 1 decides about an avatar: which Gaussians matter how much, and how finely to write each.

An encoder's own choice (enrolment.slim makes it from what can be seen); a reader finds its results in the file.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CLASSES = 8
"""Classes of Gaussians: the steps of class c are 2 ** c times those of class 0, up to a limit."""
SKIPPED_BLOCK = 15
"""Exponent of a block of the control grid that is not written; its values are 0."""
KINDS = 3
"""Kinds of a basis' channels: position, rotation, color."""


@dataclass(frozen=True)
class AvatarSteps:
    """Steps of version 1, all of them integers (docs/avatar-format.md, `STEP`).

    Args:
        shape: of the head's shape, 2^-16 m.
        mean, mean_limit: of positions, 2^-20 m: class 0, and the largest of any class.
        covariance, covariance_limit: of the logarithm of the covariance's root, 2^-10.
        color, color_limit: of luma, 2^-12 of sRGB's range; chroma has twice the step.
        opacity, opacity_limit: 128 >> so many levels of opacity.
        grid_uv: levels of the control grid's coordinates.
        fine_classes: how many classes have these coordinates in full; the others lack one bit.
        growth: by how much Gaussians are drawn larger while only every eighth is there, natural logarithm times 32.
        grid: position, rotation and color of the bases, 2^-30 of a metre, a radian and a unit of `sh0`.
    """

    shape: int = 24
    mean: int = 40
    mean_limit: int = 1100
    covariance: int = 22
    covariance_limit: int = 1200
    color: int = 6
    color_limit: int = 600
    opacity: int = 1
    opacity_limit: int = 4
    grid_uv: int = 1880
    fine_classes: int = 3
    growth: int = 26
    grid: tuple[int, int, int] = (1 << 14, 1 << 21, 1 << 21)


@dataclass(frozen=True, eq=False)
class AvatarPlan:
    """How an asset of N Gaussians and a control grid of G x G points, B = ceil(G / 4) blocks a side, is written.

    Args:
        classes: [N] uint8 0 .. CLASSES - 1, 0 for the most visible.
        block_exponents: [KINDS, B, B] uint8: the steps of a block are 2 ** so many times as large; or SKIPPED_BLOCK.
        used_cells: [G, G] bool: the grid points that any Gaussian looks at.
        steps: the steps.
        dead_zone: magnitudes of coefficients are rounded down up to this share of a step: zeros take the fewest bits.
    """

    classes: NDArray[np.uint8]
    block_exponents: NDArray[np.uint8]
    used_cells: NDArray[np.bool_]
    steps: AvatarSteps
    dead_zone: float = 0.54
