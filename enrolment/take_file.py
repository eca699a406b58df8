"""Takes as files: so that a run can go on after a stop. A .npz without pickled objects and without compression."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from enrolment.errors import TakeError
from enrolment.take import MAX_PICTURES, SIDE, Take
from tracker.profile import PersonProfile, ProfileError

VERSION = 2
_ARRAYS: dict[str, tuple[type[np.generic], tuple[int, ...]]] = {
    "images": (np.uint8, (SIDE, SIDE, 3)),
    "alphas": (np.uint8, (SIDE, SIDE)),
    "time_s": (np.float64, ()),
    "vectors": (np.float32, (65,)),
    "landmarks_px": (np.float32, (478, 2)),
    "scores": (np.float32, (52,)),
    "held_out": (np.bool_, ()),
}
"""Type and shape of one picture's part in each array."""


def save_take(take: Take, path: Path) -> None:
    """Writes a take.

    Raises:
        OSError: it cannot be written; what is there then is no take.
    """
    arrays: dict[str, NDArray[np.generic]] = {name: getattr(take, name) for name in _ARRAYS}
    arrays |= {"K": take.K, "inner": np.asarray(take.inner, np.int64)}
    if take.person is not None:
        arrays["person"] = np.frombuffer(take.person.to_bytes(), np.uint8)
    with path.open("wb") as file:
        np.savez(
            file,
            allow_pickle=False,
            version=np.asarray(VERSION),
            head_model_id=np.asarray(take.head_model_id),
            warnings=np.asarray(take.warnings, np.str_),
            **arrays,
        )


def load_take(path: Path) -> Take:
    """Reads what `save_take` wrote.

    Raises:
        TakeError: the file cannot be read, or is no take.
    """
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
                raise ValueError("packed arrays may be of any size")
            file.seek(0)
            with np.load(file, allow_pickle=False) as stored:
                return _parsed({name: stored[name] for name in stored.files})
    except OSError as error:
        raise TakeError(f"Cannot read the take {path}: {error.strerror or 'it is damaged'}.") from error
    except (ProfileError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise TakeError(f"{path} is no take, or a damaged one.") from error


def _parsed(stored: dict[str, NDArray[np.generic]]) -> Take:
    if int(stored["version"]) != VERSION:
        raise ValueError("another version")
    count = len(stored["images"])
    if not 0 < count <= MAX_PICTURES:
        raise ValueError("a take of no pictures, or of too many")
    for name, (kind, shape) in _ARRAYS.items():
        array = stored[name]
        if array.dtype != kind or array.shape != (count, *shape) or not np.isfinite(array).all():
            raise ValueError(f"{name} is damaged")
    K = stored["K"]
    if K.dtype != np.float32 or K.shape != (3, 3) or not np.isfinite(K).all():
        raise ValueError("K is damaged")
    left, top, right, bottom = (int(edge) for edge in stored["inner"].ravel())
    if not (0 <= left < right <= SIDE and 0 <= top < bottom <= SIDE):
        raise ValueError("inner is damaged")
    return Take(
        **{name: stored[name] for name in _ARRAYS},  # pyright: ignore[reportArgumentType] - checked above
        K=K.astype(np.float32),
        person=PersonProfile.from_bytes(stored["person"].tobytes(), "person") if "person" in stored else None,
        head_model_id=str(stored["head_model_id"]),
        warnings=tuple(str(text) for text in stored["warnings"]),
        inner=(left, top, right, bottom),
    )
