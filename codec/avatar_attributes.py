"""Arrays of Gaussians to integers of version 1 of the avatar file, and back (docs/avatar-format.md)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from codec.avatar_asset import AvatarAsset
from codec.avatar_steps import (
    COLOR_UNIT,
    COVARIANCE_UNIT,
    MEAN_UNIT,
    OPACITY_LEVELS,
    opacity_table,
)
from codec.avatar_symbols import SH_C0
from codec.covariance import axes_of, log_covariances
from codec.errors import AvatarFileError
from codec.planes import Integers

Array = NDArray[np.float64]

_UNITS = np.array([MEAN_UNIT] * 3 + [COVARIANCE_UNIT] * 6 + [COLOR_UNIT] * 3 + [1.0])
_LIMITS = np.array([0.6] * 3 + [17.0] * 6 + [9.0] * 3 + [OPACITY_LEVELS])
"""Of metres, natural logarithms, sRGB's range, levels."""
_LEAST_LOG_SCALE = -16.0


def to_integers(asset: AvatarAsset) -> Integers:
    """[N, ATTRIBUTES] position 3, logarithm of the covariance's root 6, luma and chroma 3, opacity."""
    red, green, blue = (0.5 + SH_C0 * asset.sh0.astype(np.float64)).T
    colors = np.stack([0.5 * green + 0.25 * (red + blue), red - blue, green - 0.5 * (red + blue)], axis=1)
    shapes = log_covariances(asset.local_quats, np.maximum(asset.log_scales, _LEAST_LOG_SCALE))
    levels = _levels(asset.logit_opacities.astype(np.float64))
    values = np.concatenate([asset.local_means.astype(np.float64), shapes, colors, levels[:, None]], axis=1)
    if (np.abs(values) > _LIMITS).any():
        raise AvatarFileError("The avatar's Gaussians hold a value that the format cannot hold")
    return np.rint(values / _UNITS).astype(np.int64)


def from_integers(integers: Integers) -> dict[str, NDArray[np.float32]]:
    """Arrays of AvatarAsset: `local_means`, `local_quats`, `log_scales`, `logit_opacities`, `sh0`.

    Raises:
        AvatarFileError: a value is out of its range.
    """
    values = integers.astype(np.float64) * _UNITS
    if (np.abs(values) > 2 * _LIMITS).any():
        raise AvatarFileError("The avatar's Gaussians hold a value out of its range")
    quats, log_scales = axes_of(values[:, 3:9])
    luma, orange, green = values[:, 9:12].T
    rest = luma - green / 2
    rgb = np.stack([rest + orange / 2, luma + green / 2, rest - orange / 2], axis=1)
    return {
        "local_means": values[:, :3].astype(np.float32),
        "local_quats": quats.astype(np.float32),
        "log_scales": np.clip(log_scales, _LEAST_LOG_SCALE, 0.0).astype(np.float32),
        "logit_opacities": opacity_table()[integers[:, -1]].astype(np.float32),
        "sh0": ((rgb - 0.5) / SH_C0).astype(np.float32),
    }


def _levels(logits: Array) -> Array:
    opacities = 1 / (1 + np.exp(-np.clip(logits, -16, 16)))
    return np.clip(np.arcsin(np.sqrt(opacities)) * (2 / np.pi) * OPACITY_LEVELS, 0, OPACITY_LEVELS)
