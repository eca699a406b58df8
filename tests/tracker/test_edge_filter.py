"""The filter by tiles is the filter of the whole picture."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tracker.edge_filter import TILE_PX, refine_edges


@pytest.mark.parametrize("size", [(2 * TILE_PX + 30, 3 * TILE_PX + 1), (40, 50)])
def test_tiles_leave_no_trace(size: tuple[int, int]) -> None:
    height, width = size
    rng = np.random.default_rng(3)
    image = np.asarray(cv2.GaussianBlur(rng.integers(0, 256, (height, width, 3), np.uint8), (0, 0), 2), np.uint8)
    mask = np.zeros((height, width), np.float32)
    cv2.circle(mask, (width // 2, height // 2), min(size) // 3, 1.0, -1)
    mask = np.asarray(cv2.GaussianBlur(mask, (0, 0), 2), np.float32)
    whole = cv2.ximgproc.guidedFilter(image, mask, 4, 26.0)
    np.testing.assert_allclose(refine_edges(image, mask, 4, 26.0), whole, atol=2e-3)
    assert np.abs(whole - mask).max() > 0.05


def test_a_flat_mask_stays_as_it_is() -> None:
    mask = np.ones((50, 60), np.float32)
    np.testing.assert_array_equal(refine_edges(np.zeros((50, 60, 3), np.uint8), mask, 4, 26.0), mask)
