"""MediaPipe's landmark and blendshape networks, run by LiteRT on one thread.

They are the networks of MediaPipe's FaceLandmarker, read out of the same file. MediaPipe's own graph around them costs
as much time as the networks.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from tracker.detection import LANDMARKS, SCORES

CROP = 256
"""Side of the picture that the landmark network sees."""
_SCORED_LANDMARKS = np.array(
    (
        0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63, 65, 66, 67, 70, 78, 80,
        81, 82, 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133, 136, 144, 145, 146, 148, 149, 150, 152, 153,
        154, 155, 157, 158, 159, 160, 161, 162, 163, 168, 172, 173, 176, 178, 181, 185, 191, 195, 197, 234, 246, 249,
        251, 263, 267, 269, 270, 276, 282, 283, 284, 285, 288, 291, 293, 295, 296, 297, 300, 308, 310, 311, 312, 314,
        317, 318, 321, 323, 324, 332, 334, 336, 338, 356, 361, 362, 365, 373, 374, 375, 377, 378, 379, 380, 381, 382,
        384, 385, 386, 387, 388, 389, 390, 397, 398, 400, 402, 405, 409, 415, 454, 466, 468, 469, 470, 471, 472, 473,
        474, 475, 476, 477,
    )
)  # fmt: skip
"""What the blendshape network sees (MediaPipe's face_blendshapes_graph.cc)."""


class LandmarkNetwork:
    """Finds 478 landmarks in a square around a face.

    Raises:
        ValueError, RuntimeError: the file does not hold the network.
    """

    def __init__(self, task: Path) -> None:
        self._interpreter = _load(task, "face_landmarks_detector.tflite")
        self._input = _only(self._interpreter.get_input_details(), (1, CROP, CROP, 3))
        outputs = self._interpreter.get_output_details()
        self._landmarks = _only(outputs, (1, 1, 1, 3 * LANDMARKS))
        self._presence = _only(outputs, (1, 1, 1, 1))
        self._crop = np.zeros((CROP, CROP, 3), np.uint8)

    def __call__(
        self, image_rgb: NDArray[np.uint8], image_from_crop: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], float]:
        """Looks at one face.

        Args:
            image_rgb: [H, W, 3] uint8.
            image_from_crop: [2, 3] takes a position in the square, 0..CROP, to pixels of the picture.

        Returns:
            [478, 3] landmarks, x and y in pixels of the picture, depth in the same unit (away from the camera); and the
            probability that there is a face.
        """
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        cv2.warpAffine(image_rgb, image_from_crop, (CROP, CROP), self._crop, flags, cv2.BORDER_REPLICATE)
        np.multiply(self._crop, np.float32(1 / 255), out=self._interpreter.tensor(self._input)()[0])
        self._interpreter.invoke()
        seen = self._interpreter.get_tensor(self._landmarks).reshape(LANDMARKS, 3).astype(np.float64)
        logit = float(self._interpreter.get_tensor(self._presence).item())
        landmarks = np.empty_like(seen)
        landmarks[:, :2] = seen[:, :2] @ image_from_crop[:, :2].T + image_from_crop[:, 2]
        landmarks[:, 2] = seen[:, 2] * np.hypot(*image_from_crop[:, 0])
        return landmarks, float(1 / (1 + np.exp(-np.clip(logit, -50.0, 50.0))))


class BlendshapeNetwork:
    """Tells the 52 blendshape scores from the landmarks.

    Raises:
        ValueError, RuntimeError: the file does not hold the network.
    """

    def __init__(self, task: Path) -> None:
        self._interpreter = _load(task, "face_blendshapes.tflite")
        self._input = _only(self._interpreter.get_input_details(), (1, len(_SCORED_LANDMARKS), 2))
        self._scores = _only(self._interpreter.get_output_details(), (SCORES,))

    def __call__(self, landmarks_px: NDArray[np.float64]) -> NDArray[np.float32]:
        """[52] scores of [478, 2 or more] landmarks, in the order of BLENDSHAPE_NAMES."""
        self._interpreter.tensor(self._input)()[0] = landmarks_px[_SCORED_LANDMARKS, :2]
        self._interpreter.invoke()
        return self._interpreter.get_tensor(self._scores).astype(np.float32)


def _load(task: Path, member: str) -> Interpreter:
    with zipfile.ZipFile(task) as archive:
        interpreter = Interpreter(model_content=archive.read(member), num_threads=1)
    interpreter.allocate_tensors()
    return interpreter


def _only(tensors: list[dict[str, Any]], shape: tuple[int, ...]) -> int:
    """Index of the tensor of that shape; of several alike, the first."""
    for tensor in tensors:
        if tuple(tensor["shape"]) == shape:
            return int(tensor["index"])
    raise ValueError(f"the network has no tensor of shape {shape}")
