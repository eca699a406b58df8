from __future__ import annotations

import numpy as np
import pytest

from enrolment.metrics.pixels import PSNR_OF_EQUALS_DB, psnr_db, ssim
from tests.support.pictures import blurred, waves


def wang_ssim(a: np.ndarray, b: np.ndarray) -> float:
    """Equations 13 to 17 of Wang et al. 2004 window by window, in double precision."""
    steps = np.arange(11) - 5.0
    window = np.exp(-(steps[:, None] ** 2 + steps**2) / (2 * 1.5**2))
    window /= window.sum()
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    found = []
    for row in range(a.shape[0] - 10):
        for column in range(a.shape[1] - 10):
            for channel in range(3):
                x = a[row : row + 11, column : column + 11, channel].astype(np.float64)
                y = b[row : row + 11, column : column + 11, channel].astype(np.float64)
                mx, my = (window * x).sum(), (window * y).sum()
                vx, vy = (window * (x - mx) ** 2).sum(), (window * (y - my) ** 2).sum()
                cov = (window * (x - mx) * (y - my)).sum()
                found.append(
                    (2 * mx * my + c1) * (2 * cov + c2) / ((mx * mx + my * my + c1) * (vx + vy + c2)),
                )
    return float(np.mean(found))


def test_psnr_of_a_known_error():
    black = np.zeros((8, 9, 3), np.uint8)
    assert psnr_db(black, black + np.uint8(255)) == pytest.approx(0)
    one = black.copy()
    one[3, 4, 1] = 16
    assert psnr_db(black, one) == pytest.approx(10 * np.log10(255**2 * 8 * 9 * 3 / 256))
    assert psnr_db(one, black) == psnr_db(black, one)  # 0 - 16 does not wrap around
    assert psnr_db(one, one) == PSNR_OF_EQUALS_DB


@pytest.mark.parametrize("other", [blurred(waves(1, 30, 41), 1), waves(2, 30, 41), np.full((30, 41, 3), 255, np.uint8)])
def test_ssim_is_that_of_wang(other):
    picture = waves(1, 30, 41)
    assert ssim(picture, other) == pytest.approx(wang_ssim(picture, other), abs=1e-12)


def test_ssim_of_equal_pictures_is_one():
    picture = waves(3, 40, 40)
    assert ssim(picture, picture) == pytest.approx(1, abs=1e-6)
    white = np.full((40, 40, 3), 255, np.uint8)
    assert ssim(white, white) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("metric", [psnr_db, ssim])
def test_what_cannot_be_compared(metric):
    picture = waves(1, 20, 20)
    for other in (picture[:-1], picture[..., :1], picture / 255.0):
        with pytest.raises(ValueError, match="cannot be compared"):
            metric(picture, other)
    with pytest.raises(ValueError, match="smaller than"):
        ssim(picture[:10], picture[:10])
