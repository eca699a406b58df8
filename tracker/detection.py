"""What MediaPipe says about the face in one picture, as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LANDMARKS = 478
SCORES = 52

BLENDSHAPE_NAMES = (
    "_neutral", "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight", "cheekPuff",
    "cheekSquintLeft", "cheekSquintRight", "eyeBlinkLeft", "eyeBlinkRight", "eyeLookDownLeft", "eyeLookDownRight",
    "eyeLookInLeft", "eyeLookInRight", "eyeLookOutLeft", "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight",
    "eyeSquintLeft", "eyeSquintRight", "eyeWideLeft", "eyeWideRight", "jawForward", "jawLeft", "jawOpen", "jawRight",
    "mouthClose", "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft", "mouthFrownRight", "mouthFunnel",
    "mouthLeft", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthPressLeft", "mouthPressRight", "mouthPucker",
    "mouthRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthSmileLeft",
    "mouthSmileRight", "mouthStretchLeft", "mouthStretchRight", "mouthUpperUpLeft", "mouthUpperUpRight",
    "noseSneerLeft", "noseSneerRight",
)  # fmt: skip
"""Order of the scores."""


@dataclass(frozen=True, eq=False)
class Detection:
    """Landmarks, scores and pose of one face.

    Args:
        landmarks_px: [478, 2] float32, pixels of the picture given (x right, y down).
        scores: [52] float32 in 0..1, in the order of BLENDSHAPE_NAMES.
        camera_from_face: [4, 4] float32 rigid transform to a camera with +x right, +y up, looking along -z,
            centimetres; it assumes a fixed opening angle.
    """

    landmarks_px: NDArray[np.float32]
    scores: NDArray[np.float32]
    camera_from_face: NDArray[np.float32]
