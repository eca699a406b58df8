"""Where the whole head is in a picture, told from the landmarks of the face alone."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from renderer.head.model import Part
from renderer.head.open_head import load_open_head

Array = NDArray[np.float64]

LEAST_SIDE = 64
"""Of a box, pixels, so that every metric is defined on it."""
_RELIABLE = 0.5
"""Landmarks that lie less surely on the head (those of the rim) do not place it."""
_MARGIN = np.array([0.06, 0.12, 0.06, 0.05])
"""Added on the left, top, right and bottom for hair and an open mouth, in shares of the bare head's size."""


def head_box(landmarks_px: NDArray[np.floating], size: int) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) of hair, ears and chin in pixels of a square picture, right and bottom exclusive.

    An average head is laid over the landmarks (turned, scaled and moved as they are) and its outline gets a margin. No
    tracker, avatar or matte takes part, so the box is the same for every method that is measured.

    Args:
        landmarks_px: [478, 2] MediaPipe's landmarks, pixels.
        size: width and height of the picture, at least LEAST_SIDE.
    """
    anchors, anchor_indices, outline = _average_head()
    seen = landmarks_px[anchor_indices, :2].astype(np.float64)
    center = seen.mean(axis=0)
    affine, *_ = np.linalg.lstsq(anchors, seen - center, rcond=None)  # [3, 2]
    left, scales, right = np.linalg.svd(affine, full_matrices=False)
    projected = outline @ (scales.mean() * left @ right) + center
    low, high = projected.min(axis=0), projected.max(axis=0)
    width, height = high - low
    margins = _MARGIN * (width, height, width, height)
    left_px, right_px = _span(low[0] - margins[0], high[0] + margins[2], size)
    top_px, bottom_px = _span(low[1] - margins[1], high[1] + margins[3], size)
    return left_px, top_px, right_px, bottom_px


def _span(low: float, high: float, size: int) -> tuple[int, int]:
    """Whole pixels inside of the picture, at least LEAST_SIDE of them."""
    start = int(np.clip(np.floor(low), 0, size - LEAST_SIDE))
    return start, int(np.clip(np.ceil(high), start + LEAST_SIDE, size))


@lru_cache(maxsize=1)
def _average_head() -> tuple[Array, NDArray[np.intp], Array]:
    """Landmarks [n, 3] on the open head, which ones they are [n], and its surface above the neck [V, 3].

    All from the middle of these landmarks, in pixels' directions (y down, z away).
    """
    head = load_open_head()
    indices = np.flatnonzero(head.landmark_weights >= _RELIABLE)
    corners = head.v_template[head.faces[head.landmark_faces[indices]]]
    anchors = np.einsum("nk,nkd->nd", head.landmark_barycentrics[indices], corners).astype(np.float64)
    is_head = (head.parts == Part.SKIN) & (head.lbs_weights[:, 0] < 0.01)
    middle = anchors.mean(axis=0)
    flip = np.array([1.0, -1.0, -1.0])
    return (anchors - middle) * flip, indices, (head.v_template[is_head] - middle) * flip
