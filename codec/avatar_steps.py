"""The STEP section of avatar files, version 1, and the numbers that follow from it."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from codec.avatar_plan import CLASSES, AvatarSteps
from codec.errors import AvatarFileError
from codec.planes import Integers

_STEP = struct.Struct("<8H4B3I")

ATTRIBUTES = 13
"""Position 3, covariance 6, color 3 (luma and two of chroma), opacity 1."""
MEAN_UNIT, COVARIANCE_UNIT, COLOR_UNIT = 2.0**-20, 2.0**-10, 2.0**-12
OPACITY_LEVELS = 128
GROWTH_UNIT = 1 / 32


def pack_steps(steps: AvatarSteps) -> bytes:
    """The content of the section."""
    means = (steps.mean, steps.mean_limit, steps.covariance, steps.covariance_limit, steps.color, steps.color_limit)
    small = (steps.opacity, steps.opacity_limit, steps.growth, steps.fine_classes)
    return _STEP.pack(steps.shape, *means, steps.grid_uv, *small, *steps.grid)


def unpack_steps(data: bytes) -> AvatarSteps:
    """Parses it.

    Raises:
        AvatarFileError: its length is wrong, or a step is 0 or otherwise out of range.
    """
    if len(data) != _STEP.size:
        raise AvatarFileError("The avatar file's STEP section has the wrong length")
    numbers: tuple[int, ...] = _STEP.unpack(data)
    steps = AvatarSteps(
        shape=numbers[0],
        mean=numbers[1],
        mean_limit=numbers[2],
        covariance=numbers[3],
        covariance_limit=numbers[4],
        color=numbers[5],
        color_limit=numbers[6],
        grid_uv=numbers[7],
        opacity=numbers[8],
        opacity_limit=numbers[9],
        growth=numbers[10],
        fine_classes=numbers[11],
        grid=(numbers[12], numbers[13], numbers[14]),
    )
    never_zero = numbers[:8] + numbers[12:]
    if not all(never_zero) or not steps.opacity <= steps.opacity_limit <= 7 or steps.fine_classes > CLASSES:
        raise AvatarFileError("The avatar file's STEP section holds a number out of its range")
    return steps


def class_steps(steps: AvatarSteps) -> Integers:
    """[CLASSES, ATTRIBUTES] the step of each attribute in its unit; for opacity, the number of levels of a step."""
    result = np.empty((CLASSES, ATTRIBUTES), np.int64)
    for number in range(CLASSES):
        mean = min(steps.mean << number, max(steps.mean, steps.mean_limit))
        covariance = min(steps.covariance << number, max(steps.covariance, steps.covariance_limit))
        color = min(steps.color << number, max(steps.color, steps.color_limit))
        opacity = 1 << min(steps.opacity + number, steps.opacity_limit)
        result[number] = [mean] * 3 + [covariance] * 6 + [color, 2 * color, 2 * color, opacity]
    return result


def opacity_table() -> NDArray[np.float64]:
    """[OPACITY_LEVELS + 1] logit of each level: of sin^2(pi level / 256), the ends moved inwards by 0.3.

    The table in docs/avatar-format.md, in units of 1/256.
    """
    return np.concatenate([-_LOGITS[::-1], [0], _LOGITS]) / 256.0


_LOGITS = np.array(
    [
        13, 25, 38, 50, 63, 76, 88, 101, 114, 127, 140, 153, 166, 179, 193, 206, 220, 234, 248, 262, 276, 291, 306,
        321, 336, 351, 367, 383, 400, 417, 434, 451, 469, 488, 507, 526, 546, 567, 589, 611, 634, 658, 683, 709, 736,
        765, 795, 827, 861, 897, 935, 977, 1022, 1072, 1126, 1187, 1255, 1335, 1428, 1543, 1690, 1898, 2253, 2869,
    ]
)  # fmt: skip
