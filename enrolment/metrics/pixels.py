"""PSNR and SSIM of 8 bit pictures (docs/metrics.md says exactly what is computed)."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
"""[H, W, 3] uint8 sRGB."""

PSNR_OF_EQUALS_DB = 100.0
"""What equal pictures score, so that means stay finite; the best that 512 x 512 pictures that differ reach is 107."""

WINDOW, SIGMA = 11, 1.5
"""Side and standard deviation of the Gaussian window of SSIM, pixels (Wang et al. 2004, section III-C)."""
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def psnr_db(a: Picture, b: Picture) -> float:
    """Peak signal-to-noise ratio over all pixels and channels, at most PSNR_OF_EQUALS_DB.

    Raises:
        ValueError: the pictures are not [H, W, 3] uint8 of one size.
    """
    require_pair(a, b, 1)
    error = cv2.norm(a, b, cv2.NORM_L2SQR) / a.size
    return PSNR_OF_EQUALS_DB if error == 0 else min(PSNR_OF_EQUALS_DB, float(10 * np.log10(255**2 / error)))


def ssim(a: Picture, b: Picture) -> float:
    """Structural similarity: mean over the three channels and all windows that lie inside of the picture.

    Raises:
        ValueError: the pictures are not [H, W, 3] uint8 of one size, or smaller than the window.
    """
    require_pair(a, b, WINDOW)
    x, y = a.astype(np.float64), b.astype(np.float64)
    mean_x, mean_y = _windows(x), _windows(y)
    xx, yy, xy = mean_x * mean_x, mean_y * mean_y, mean_x * mean_y
    variances = _windows(x * x) + _windows(y * y) - xx - yy
    covariance = _windows(x * y) - xy
    similar = (2 * xy + _C1) * (2 * covariance + _C2) / ((xx + yy + _C1) * (variances + _C2))
    return float(similar.mean())


def require_pair(a: Picture, b: Picture, least: int) -> None:
    """Raises ValueError unless both are [H, W, 3] uint8, of one size, at least `least` pixels a side."""
    if a.dtype != np.uint8 or b.dtype != np.uint8 or a.ndim != 3 or a.shape[2] != 3 or a.shape != b.shape:
        raise ValueError(f"pictures of {a.shape} {a.dtype} and {b.shape} {b.dtype} cannot be compared")
    if min(a.shape[:2]) < least:
        raise ValueError(f"a picture of {a.shape[1]} x {a.shape[0]} is smaller than the metric's {least} pixels")


def _windows(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """[H - 10, W - 10, 3] the weighted mean of every window."""
    edge = WINDOW // 2
    return np.asarray(cv2.GaussianBlur(values, (WINDOW, WINDOW), SIGMA), np.float64)[edge:-edge, edge:-edge]
