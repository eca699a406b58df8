"""How good a picture is to learn a face from: light, sharpness, distance, for hints while somebody records."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

DARK, DIM, BRIGHT, GLARING = 30.0, 60.0, 200.0, 235.0
"""Mean luma of the face, 0..255: nothing can be seen, too dark, too bright, burnt out."""
UNEVEN = 45.0
"""Difference of mean luma between the two halves of the face that is one-sided light."""
BLURRED, SHARP = 0.006, 0.03
"""Energy of the finest details over that of all, of the face at _FACE_PX: of a blurred and of a sharp picture."""
FAR, NEAR = 0.2, 0.62
"""Height of the face over that of the picture."""
SMALL_PX = 110.0
"""A face of fewer lines shows too little, whatever its share."""
_FACE_PX = 192
_LEAST_PX = 8


@dataclass(frozen=True)
class PictureQuality:
    """What can be said of one picture. `light`, `sharpness` and `distance` are 0 (useless) to 1 (good).

    Args:
        light: of the face.
        sharpness: of the face.
        distance: of the face to the camera.
        hints: what to do about it, one sentence each, the most urgent one first.
        luma: mean of the face, 0..255.
    """

    light: float
    sharpness: float
    distance: float
    hints: tuple[str, ...]
    luma: float


def picture_quality(picture_rgb: NDArray[np.uint8], landmarks_px: NDArray[np.float32]) -> PictureQuality:
    """Looks at the face in a picture.

    Args:
        picture_rgb: [H, W, 3].
        landmarks_px: [478, 2] of the face.
    """
    height, width = picture_rgb.shape[:2]
    low, high = landmarks_px.min(axis=0), landmarks_px.max(axis=0)
    left, top = np.clip(np.floor(low), 0, (width, height)).astype(int).tolist()
    right, bottom = np.clip(np.ceil(high), 0, (width, height)).astype(int).tolist()
    if right - left < _LEAST_PX or bottom - top < _LEAST_PX:
        return PictureQuality(0.0, 0.0, 0.0, ("Move into the middle of the picture.",), 0.0)
    face = np.asarray(cv2.cvtColor(picture_rgb[top:bottom, left:right], cv2.COLOR_RGB2GRAY), np.uint8)
    hints: list[str] = []
    light, luma = _light(face, hints)
    distance = _distance(float(high[1] - low[1]), height, hints)
    if low[0] < 0 or low[1] < 0 or high[0] > width or high[1] > height:
        hints.insert(0, "Move into the middle of the picture: part of your face is cut off.")
        distance = 0.0
    sharpness = _sharpness(face)
    if sharpness < 0.1:
        hints.append("The picture is blurred: hold still, and wipe or focus the lens.")
    return PictureQuality(light, sharpness, distance, tuple(hints), luma)


def _light(face: NDArray[np.uint8], hints: list[str]) -> tuple[float, float]:
    luma, middle = float(face.mean()), face.shape[1] // 2
    lean = float(abs(face[:, :middle].mean() - face[:, middle:].mean()))
    if luma < DIM:
        hints.append("It is too dark: turn on a light, or face a window.")
    elif luma > BRIGHT:
        hints.append("It is too bright: turn away from the light, or dim it.")
    elif lean > UNEVEN:
        hints.append("The light comes from one side: face it.")
    level = float(np.interp(luma, [DARK, DIM, BRIGHT, GLARING], [0, 1, 1, 0]))
    return level * float(np.interp(lean, [UNEVEN, 2 * UNEVEN], [1, 0.3])), luma


def _distance(face_px: float, height: int, hints: list[str]) -> float:
    share = face_px / height
    if share < FAR or face_px < SMALL_PX:
        hints.append("You are too far away: come closer to the camera.")
    elif share > NEAR:
        hints.append("You are too close: move back until your shoulders are in the picture.")
    near = float(np.interp(share, [FAR / 2, FAR, NEAR, 1.0], [0, 1, 1, 0]))
    return min(near, float(np.interp(face_px, [SMALL_PX / 2, SMALL_PX], [0, 1])))


def _sharpness(face: NDArray[np.uint8]) -> float:
    height, width = face.shape
    size = (max(_LEAST_PX, round(_FACE_PX * width / height)), _FACE_PX)
    same = np.asarray(cv2.resize(face, size, interpolation=cv2.INTER_AREA), np.float32)
    energy = float(same.var())
    if energy < 1.0:
        return 0.0
    detail = float(cv2.Laplacian(same, cv2.CV_32F).var()) / energy
    return float(np.clip(np.log(max(detail, 1e-9) / BLURRED) / np.log(SHARP / BLURRED), 0, 1))
