"""Which of MediaPipe's 478 landmarks mean what. "left" is the person's left."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RIGHT_EYE_CORNERS = (33, 133)  # outer, inner
LEFT_EYE_CORNERS = (263, 362)
RIGHT_IRIS = 468
LEFT_IRIS = 473

LIPS = (
    61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 185, 40, 39, 37, 0, 267, 269, 270, 409,
    78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 191, 80, 81, 82, 13, 312, 311, 310, 415,
)  # fmt: skip
EYES = (
    33, 7, 163, 144, 145, 153, 154, 155, 133, 246, 161, 160, 159, 158, 157, 173,
    263, 249, 390, 373, 374, 380, 381, 382, 362, 466, 388, 387, 386, 385, 384, 398,
)  # fmt: skip
BROWS = (70, 63, 105, 66, 107, 46, 53, 52, 65, 55, 300, 293, 334, 296, 336, 276, 283, 282, 295, 285)
NOSE = (168, 6, 197, 195, 5, 4, 1, 19, 94, 2, 98, 97, 326, 327, 48, 115, 220, 45, 275, 440, 344, 278, 64, 294)
SKIN = (
    151, 9, 8, 108, 337, 69, 299, 104, 333,
    50, 280, 101, 330, 36, 266, 205, 425, 187, 411, 117, 346, 123, 352, 147, 376, 207, 427,
    216, 436, 212, 432, 214, 434, 204, 424, 211, 431, 18, 200, 199, 175, 83, 313, 201, 421,
)  # fmt: skip

_EMPHASIS = ((LIPS, 1.5), (EYES, 1.2), (BROWS, 1.0), (NOSE, 1.0), (SKIN, 0.7))
_LEAST_WEIGHT = 0.2


def fit_landmarks(landmark_weights: NDArray[np.float32]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Chooses the n <= 161 landmarks that the fit uses.

    Args:
        landmark_weights: [478] of the head model, 0..1.

    Returns:
        [n] indices and [n] weights: the head model's, times how much the feature says about the face.
    """
    indices = np.concatenate([np.array(group, np.intp) for group, _ in _EMPHASIS])
    emphasis = np.concatenate([np.full(len(group), factor) for group, factor in _EMPHASIS])
    weights = landmark_weights[indices].astype(np.float64)
    kept = weights >= _LEAST_WEIGHT
    return indices[kept], (weights * emphasis)[kept]


def inter_ocular(landmarks_px: NDArray[np.floating]) -> float:
    """Distance of the outer eye corners in the picture, the unit of every residual here."""
    return float(np.linalg.norm(landmarks_px[RIGHT_EYE_CORNERS[0]] - landmarks_px[LEFT_EYE_CORNERS[0]]))
