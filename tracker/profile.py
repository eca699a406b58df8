"""What a short take of a person teaches the tracker, to be kept: `calibrate` makes it, `FaceTracker` uses it.

Without a profile the tracker learns most of this while it runs (tracker.calibration). A take adds what only a known
performance can tell: what this person's resting, level face looks like, how strong a wide-open mouth or a broad smile
scores, and the focal length of the camera.
"""

from __future__ import annotations

import io
import math
import zipfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from codec.avatar_id import is_avatar_id
from tracker.corrections import Corrections
from tracker.detection import BLENDSHAPE_NAMES

Array = NDArray[np.float64]

MAX_PROFILE_BYTES = 1 << 20
VERSION = 2
"""Of what is written. Version 1 had neither an avatar nor corrections."""

SCHEDULE = (
    (0.0, 1.5, "Look straight into the camera and relax your face"),
    (1.5, 4.5, "Turn your head slowly to both sides, then up and down"),
    (4.5, 5.5, "Open your mouth wide"),
    (5.5, 6.5, "Smile broadly"),
    (6.5, 7.5, "Pucker your lips"),
    (7.5, 9.0, "Look straight into the camera and blink twice"),
)
"""Start and end (seconds) of the parts of a guided take, and what the person is asked to do."""

TAKE_S = SCHEDULE[-1][1]
REST_S = (0.3, 1.4)
"""The part of the take that shows rest: a moment after it was asked for."""
_BOUNDS = (
    ("rest", 0.0, 0.98),
    ("closed", 0.0, 1.0),
    ("gains", 1.0, 10.0),
    ("offsets", -0.1, 0.1),
    ("gaze_bias", -2, 2),
)
"""What a person's can be; a rest of 1 would divide by zero."""
_CORRECTIONS = "corrections_"
"""What the names of their arrays begin with."""
_CORRECTION_BOUNDS = {"mean": 100.0, "weights": 1e6, "offset": 100.0, "low": 100.0, "high": 100.0}
"""No parameter is wrong by more, in whatever unit."""


class ProfileError(Exception):
    """A take teaches nothing, or a file is no profile; the message is for the person."""


@dataclass(frozen=True, eq=False)
class PersonProfile:
    """A person in front of a camera, as the tracker sees them. Lengths in metres, angles in radians.

    Args:
        head_model_id: the head model that the landmark offsets belong to.
        focal_ratio: focal length over the longer side of the picture.
        offsets: [n, 3] landmark offsets from the head model, head frame, for the landmarks that the fit uses.
        rest: [52] resting scores.
        closed: [2] score of the closed left and right eye.
        gains: [52] what brings this person's strongest score to full effort, at least 1.
        rotation_pitch: by how much the fit's pitch exceeds MediaPipe's.
        neutral_pitch: the fit's pitch of the face that looks into the lens.
        gaze_bias: [4] added to the gaze that the irises tell.
        avatar_id: hex SHA-256 of the avatar file that is a likeness of this person, if there is one.
        corrections: what the closed loop against this avatar has found; only with `avatar_id`.
    """

    head_model_id: str
    focal_ratio: float
    offsets: Array
    rest: Array
    closed: Array
    gains: Array
    rotation_pitch: float
    neutral_pitch: float
    gaze_bias: Array
    avatar_id: str | None = None
    corrections: Corrections | None = None

    def to_bytes(self) -> bytes:
        """A .npz without pickled objects."""
        values = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "corrections"}
        arrays = {name: np.asarray(value) for name, value in values.items() if value is not None}
        if self.corrections is not None:
            arrays |= {f"{_CORRECTIONS}{name}": array for name, array in self.corrections.to_arrays().items()}
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, version=np.asarray(VERSION), **arrays)
        return buffer.getvalue()

    @staticmethod
    def from_bytes(content: bytes, name: str) -> PersonProfile:
        """Inverse of `to_bytes`.

        Args:
            content: at most MAX_PROFILE_BYTES.
            name: what the error calls it.

        Raises:
            ProfileError: it is no profile.
        """
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
                    raise ValueError("packed arrays may be of any size")
                names = [entry.removesuffix(".npy") for entry in archive.namelist()]
                values: dict[str, Any] = {entry: _array(archive, f"{entry}.npy") for entry in names}
        except (OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile) as error:
            raise ProfileError(f"{name} is no profile of a person.") from error
        return _checked(name, values)

    def save(self, path: Path) -> None:
        """Writes `to_bytes` to a file.

        Raises:
            ProfileError: the file cannot be written.
        """
        try:
            path.write_bytes(self.to_bytes())
        except OSError as error:
            raise ProfileError(f"Cannot write the profile {path}: {error.strerror}.") from error

    @staticmethod
    def load(path: Path) -> PersonProfile:
        """Reads what `save` wrote.

        Raises:
            ProfileError: the file cannot be read, or is no profile.
        """
        try:
            if path.stat().st_size > MAX_PROFILE_BYTES:
                raise ProfileError(f"{path} is too large for a profile.")
            content = path.read_bytes()
        except OSError as error:
            raise ProfileError(f"Cannot read the profile {path}: {error.strerror or 'it is damaged'}.") from error
        return PersonProfile.from_bytes(content, str(path))


def _array(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    """One array; memory is taken only for what the file can hold."""
    with archive.open(name) as file:
        if npy.read_magic(file) != (1, 0):
            raise ValueError("array header of another version")
        shape, _, kind = npy.read_array_header_1_0(file)
        if math.prod(shape) * kind.itemsize > MAX_PROFILE_BYTES:
            raise ValueError("the array is larger than the file")
    with archive.open(name) as file:
        return npy.read_array(file, allow_pickle=False)


def _checked(file: str, values: dict[str, Any]) -> PersonProfile:
    scores = (len(BLENDSHAPE_NAMES),)
    shapes: dict[str, tuple[int, ...] | None] = {
        "focal_ratio": (),
        "offsets": None,
        "rest": scores,
        "closed": (2,),
        "gains": scores,
        "rotation_pitch": (),
        "neutral_pitch": (),
        "gaze_bias": (4,),
    }
    version = values.pop("version", None)
    if version is None or version.shape != () or version not in (1, VERSION):
        raise ProfileError(f"{file} is no profile of a person, or of another version of this program.")
    likeness = _likeness(file, values) if version == VERSION else {}
    if set(values) != {"head_model_id", *shapes}:
        raise ProfileError(f"{file} is no profile of a person, or of another version of this program.")
    for name, shape in shapes.items():
        array = values[name]
        fits = array.shape == shape if shape is not None else array.ndim == 2 and array.shape[1] == 3
        if array.dtype != np.float64 or not np.isfinite(array).all() or not fits:
            raise ProfileError(f"{file} is no profile of a person: {name} is damaged.")
        if shape == ():
            values[name] = float(array)
    if not 0.2 <= values["focal_ratio"] <= 10:
        raise ProfileError(f"{file} is no profile of a person: its focal length is impossible.")
    for name, low, high in _BOUNDS:
        if (values[name] < low).any() or (values[name] > high).any():
            raise ProfileError(f"{file} is no profile of a person: {name} is impossible.")
    values["head_model_id"] = _text(file, "head_model_id", values["head_model_id"])
    return PersonProfile(**values, **likeness)


def _likeness(file: str, values: dict[str, Any]) -> dict[str, Any]:
    """Takes what there is about an avatar out of `values`."""
    arrays = {name: values.pop(name) for name in list(values) if name.startswith(_CORRECTIONS)}
    avatar = values.pop("avatar_id", None)
    found: dict[str, Any] = {}
    if avatar is not None:
        found["avatar_id"] = _text(file, "avatar_id", avatar)
        if not is_avatar_id(found["avatar_id"]):
            raise ProfileError(f"{file} is no profile of a person: avatar_id is damaged.")
    if arrays:
        found["corrections"] = _corrections(file, {name.removeprefix(_CORRECTIONS): arrays[name] for name in arrays})
        if avatar is None:
            raise ProfileError(f"{file} is no profile of a person: its corrections belong to no avatar.")
    return found


def _corrections(file: str, arrays: dict[str, Array]) -> Corrections:
    if any(array.dtype != np.float64 for array in arrays.values()):
        raise ProfileError(f"{file} is no profile of a person: its corrections are damaged.")
    try:
        corrections = Corrections.from_arrays(arrays)
    except ValueError as error:
        raise ProfileError(f"{file} is no profile of a person: of its corrections, {error}.") from error
    known = corrections.to_arrays()
    if set(known) != set(arrays):
        raise ProfileError(f"{file} is no profile of a person, or of another version of this program.")
    too_large = any((np.abs(known[name]) > bound).any() for name, bound in _CORRECTION_BOUNDS.items())
    if too_large or (corrections.low > corrections.high).any():
        raise ProfileError(f"{file} is no profile of a person: its corrections are impossible.")
    return corrections


def _text(file: str, name: str, array: NDArray[Any]) -> str:
    if array.dtype.kind != "U" or array.shape != ():
        raise ProfileError(f"{file} is no profile of a person: {name} is damaged.")
    return str(array)
