"""The face parameters of a recording, picture by picture, as an npz file (docs/tracking.md, "Track files")."""

from __future__ import annotations

import lzma
import zipfile
import zlib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from codec.params import GAZE_SIZE, MAX_EXPRESSION, POSE_SIZE, TORSO_SIZE, FaceParams
from tracker.detection import LANDMARKS, SCORES
from tracker.face_tracker import TrackResult

FORMAT = 1
MAX_PICTURES = 100_000
"""An hour at 25 pictures a second, with room: what a file may hold, and what one tracking run keeps in memory."""
_LONGEST_NAME = 256

_SHAPES: dict[str, tuple[type, tuple[int, ...]]] = {
    "time_s": (np.float64, ()),
    "detected": (np.bool_, ()),
    "expression": (np.float32, (MAX_EXPRESSION,)),
    "pose": (np.float32, (POSE_SIZE,)),
    "gaze": (np.float32, (GAZE_SIZE,)),
    "torso": (np.float32, (TORSO_SIZE,)),
    "residual": (np.float32, ()),
    "landmarks_px": (np.float32, (LANDMARKS, 2)),
    "scores": (np.float32, (SCORES,)),
}
"""Type and shape of one picture's row."""


class TrackFileError(Exception):
    """A file is no track file, or a broken one; the message is one sentence for the person."""


@dataclass(frozen=True, eq=False)
class Track:
    """T pictures. Rows of pictures without a face are NaN.

    Args:
        time_s: [T] seconds from the file's start, growing.
        detected: [T] whether there is a face.
        expression: [T, 50] psi, standard deviations of the head model's directions.
        pose: [T, 11] theta: global rotation 3, translation 3, jaw 3, eyelids 2 (codec.params).
        gaze: [T, 4].
        torso: [T, 6].
        residual: [T] rms landmark error over the distance of the outer eye corners.
        landmarks_px: [T, 478, 2] MediaPipe's landmarks in pixels of the tracked picture; NaN if the extractor has none.
        scores: [T, 52] MediaPipe's blendshape scores; NaN if the extractor has none.
        image_size: (width, height) of the tracked picture, pixels.
        focal_px: focal length that the translations assume.
        head_model_id: hex SHA-256 of the head model.
        extractor: which one it was (tracker.extractor.EXTRACTORS).
        clip_sha256: hex SHA-256 of the recording.
    """

    time_s: NDArray[np.float64]
    detected: NDArray[np.bool_]
    expression: NDArray[np.float32]
    pose: NDArray[np.float32]
    gaze: NDArray[np.float32]
    torso: NDArray[np.float32]
    residual: NDArray[np.float32]
    landmarks_px: NDArray[np.float32]
    scores: NDArray[np.float32]
    image_size: tuple[int, int]
    focal_px: float
    head_model_id: str
    extractor: str
    clip_sha256: str

    def params(self, index: int) -> FaceParams | None:
        """The face of one picture, None without one."""
        if not self.detected[index]:
            return None
        return FaceParams.from_vector(
            np.concatenate([self.expression[index], self.pose[index], self.gaze[index]]), self.torso[index]
        )

    def save(self, file: IO[bytes]) -> None:
        """Writes an npz without pickles."""
        values: dict[str, Any] = {field.name: np.asarray(getattr(self, field.name)) for field in fields(self)}
        values["image_size"] = values["image_size"].astype(np.int32)
        np.savez_compressed(file, format=np.int32(FORMAT), **values)


class TrackRecorder:
    """Collects the results of a tracker, picture by picture."""

    def __init__(self) -> None:
        self._rows: dict[str, list[Any]] = {name: [] for name in _SHAPES}

    def __len__(self) -> int:
        return len(self._rows["time_s"])

    def add(self, time_s: float, result: TrackResult) -> None:
        """Takes the next picture.

        Raises:
            TrackFileError: there are more pictures than a file may hold.
        """
        if len(self) >= MAX_PICTURES:
            raise TrackFileError(f"The recording has more than {MAX_PICTURES} pictures: cut it into parts.")
        row: dict[str, Any] = {"time_s": time_s, "detected": result.params is not None, "residual": result.residual}
        if result.params is not None:
            psi = np.zeros(MAX_EXPRESSION, np.float32)
            psi[: len(result.params.expression)] = result.params.expression
            vector = result.params.to_vector()[len(result.params.expression) :]
            row |= {
                "expression": psi,
                "pose": vector[:POSE_SIZE],
                "gaze": vector[POSE_SIZE:],
                "torso": result.params.torso,
            }
            row |= {"landmarks_px": result.landmarks_px, "scores": result.scores}
        for name, (kind, shape) in _SHAPES.items():
            value = row.get(name)
            self._rows[name].append(np.full(shape, np.nan, kind) if value is None else np.asarray(value, kind))

    def finish(
        self, *, image_size: tuple[int, int], focal_px: float, head_model_id: str, extractor: str, clip_sha256: str
    ) -> Track:
        """All pictures as one track; the arguments are those of Track."""
        arrays = {
            name: np.array(self._rows[name], kind).reshape(len(self), *shape) for name, (kind, shape) in _SHAPES.items()
        }
        return Track(
            **arrays,
            image_size=image_size,
            focal_px=focal_px,
            head_model_id=head_model_id,
            extractor=extractor,
            clip_sha256=clip_sha256,
        )


def load_track(path: Path) -> Track:
    """Reads a track file; nothing in it is trusted.

    Raises:
        TrackFileError: the file cannot be read, is none, is of a newer format, or holds arrays of another kind.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if int(_member(archive, path, "format", "<i4", ())) != FORMAT:
                raise TrackFileError(f"{path.name} is a track file of another version: track the clip again.")
            count = len(_member(archive, path, "time_s", "<f8", (None,)))
            arrays = {
                name: _member(archive, path, name, np.dtype(kind).str, (count, *shape))
                for name, (kind, shape) in _SHAPES.items()
                if name != "torso" or "torso.npy" in archive.namelist()
            }
            arrays.setdefault("torso", np.zeros((count, TORSO_SIZE), np.float32))  # older tracks have none
            width, height = (int(side) for side in _member(archive, path, "image_size", "<i4", (2,)))
            focal_px = float(_member(archive, path, "focal_px", "<f8", ()))
            names: dict[str, Any] = {
                name: str(_member(archive, path, name, "U", ()))
                for name in ("head_model_id", "extractor", "clip_sha256")
            }
    except OSError as error:
        raise TrackFileError(f"{path.name} cannot be read ({error.strerror}).") from error
    except (
        zipfile.BadZipFile,
        ValueError,
        EOFError,
        zlib.error,
        lzma.LZMAError,
        NotImplementedError,
        RuntimeError,
    ) as error:
        raise TrackFileError(f"{path.name} is no track file, or a damaged one.") from error
    track = Track(**arrays, image_size=(width, height), focal_px=focal_px, **names)
    seen = track.detected
    growing = np.isfinite(track.time_s).all() and (np.diff(track.time_s) > 0).all()
    finite = all(np.isfinite(array[seen]).all() for array in (track.expression, track.pose, track.gaze, track.torso))
    if not (growing and finite and width > 0 and height > 0 and np.isfinite(focal_px) and focal_px > 0):
        raise TrackFileError(f"{path.name} holds numbers that no track has.")
    return track


def _member(archive: zipfile.ZipFile, path: Path, name: str, kind: str, shape: tuple[int | None, ...]) -> NDArray[Any]:
    """One array of the archive; its header is checked before memory is taken for it. `kind`: "U" or a whole type."""
    try:
        file = archive.open(f"{name}.npy")
    except KeyError:
        raise TrackFileError(f"{path.name} is no track file: it has no {name}.") from None
    with file:
        if npy.read_magic(file) != (1, 0):
            raise ValueError("array header of another version")
        found, _, dtype = npy.read_array_header_1_0(file)
        fits = len(found) == len(shape) and all(
            side <= MAX_PICTURES if wanted is None else side == wanted
            for side, wanted in zip(found, shape, strict=True)
        )
        is_kind = (dtype.kind == kind and dtype.itemsize <= 4 * _LONGEST_NAME) or dtype.str == kind
        if not fits or not is_kind:
            raise TrackFileError(f"{path.name} is no track file: {name} has another type or shape.")
    with archive.open(f"{name}.npy") as file:
        return npy.read_array(file, allow_pickle=False)
