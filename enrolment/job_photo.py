"""Pictures in files: what a camera or a phone saves."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from enrolment.job_types import JobError

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
LIMITS = (
    "An avatar from one photo: what the photo does not show (the sides, teeth, closed eyes) is guessed, and its "
    "expressions are everybody's, not yours. A recording of 20 to 60 s makes a far better one."
)
"""For the person to know."""
MAX_PHOTO_BYTES = 100 * 1024 * 1024


def is_photo(path: Path) -> bool:
    """Whether the file's name is that of a picture."""
    return path.suffix.lower() in SUFFIXES


def read_photo(path: Path) -> NDArray[np.uint8]:
    """[H, W, 3] sRGB, turned as its file says.

    Raises:
        JobError: the file cannot be read, or is no picture.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_PHOTO_BYTES + 1)
    except OSError as error:
        raise JobError(f"{path.name} cannot be read: {error.strerror}.") from error
    if len(data) > MAX_PHOTO_BYTES:
        raise JobError(f"{path.name} is too large for a picture.")
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    except cv2.error:
        picture = None
    if picture is None:
        raise JobError(f"{path.name} is no picture that can be read.")
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)
