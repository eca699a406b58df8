"""What every face tracker looks like from outside, and the choice of one."""

from __future__ import annotations

from importlib import import_module
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from renderer.head.model import HeadModel
from tracker.face_tracker import FaceTracker, TrackResult

EXTRACTORS = ("mediapipe", "smirk")


class Extractor(Protocol):
    """Turns the pictures of one camera into face parameters. Not thread-safe; close it.

    Args:
        name: one of EXTRACTORS.
        head_model_id: of the head model whose parameters it gives.
        focal_ratio: focal length / longer side of the picture, of the camera that the translations refer to.
    """

    name: str
    head_model_id: str
    focal_ratio: float

    def track(self, image_rgb: NDArray[np.uint8], timestamp_s: float) -> TrackResult:
        """Tracks one picture [H, W, 3] uint8; one without a face is a result, not an error.

        Raises:
            ValueError: the picture has another shape or type, or the timestamp is not finite.
        """
        ...

    def close(self) -> None:
        """Frees the networks; calling it twice is fine."""
        ...


def open_extractor(name: str, head: HeadModel) -> Extractor:
    """Opens the extractor of that name for a head model.

    Raises:
        ValueError: there is no extractor of that name.
        TrackerAssetError: a file that it needs is missing or damaged. SMIRK adds its own (tracker.smirk.extractor):
            its weights are not installed, or the head model is not the one whose expressions it was trained for.
    """
    match name:
        case "mediapipe":
            return FaceTracker(head)
        case "smirk":  # imported only when wanted: it needs ONNX Runtime
            return import_module("tracker.smirk.extractor").SmirkExtractor(head)
        case _:
            raise ValueError(f"There is no extractor {name!r}: choose one of {', '.join(EXTRACTORS)}.")
