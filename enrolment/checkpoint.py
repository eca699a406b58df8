"""Small files of a job that is under way: seen when they are complete, or not at all."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codec.avatar_asset import AvatarAsset
from codec.motion_basis import MotionBasis
from enrolment.errors import EnrolmentError

Arrays = dict[str, NDArray[np.generic]]

_KINDS = "biufU"
"""numpy kinds that a checkpoint may hold: nothing that needs pickle."""


_BASIS = "motion_basis"


class CheckpointError(EnrolmentError):
    """The file is damaged or none of ours."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A hidden name beside `path` to write to; it becomes `path` when the block ends well and is removed otherwise.

    Raises:
        OSError: the file cannot take its name.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield partial
        partial.replace(path)
    finally:
        with suppress(OSError):
            partial.unlink()


def write_bytes(path: Path, data: bytes) -> None:
    """Writes a file, completely or not at all.

    Raises:
        OSError: the disk is full, ...
    """
    with replacing(path) as partial:
        partial.write_bytes(data)


def save_arrays(path: Path, arrays: Arrays) -> None:
    """Writes a .npz without pickled objects and without compression, completely or not at all.

    Raises:
        OSError: the disk is full, ...
    """
    with replacing(path) as partial, partial.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)  # pyright: ignore[reportArgumentType] - names are the caller's


def load_arrays(path: Path) -> Arrays:
    """Reads what `save_arrays` wrote.

    Raises:
        CheckpointError: the file is missing or damaged.
    """
    try:
        return parse_arrays(path.read_bytes())
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}.") from error
    except CheckpointError as error:
        raise CheckpointError(f"{path} is damaged.") from error


def parse_arrays(data: bytes) -> Arrays:
    """The arrays of an uncompressed .npz.

    Raises:
        CheckpointError: it is none, or holds objects.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
                raise ValueError("packed arrays may be of any size")
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            arrays: Arrays = {name: stored[name] for name in stored.files}
        if any(array.dtype.kind not in _KINDS for array in arrays.values()):
            raise ValueError("arrays of an unknown kind")
        return arrays
    except (OSError, ValueError, KeyError, TypeError, EOFError, RuntimeError, zipfile.BadZipFile) as error:
        raise CheckpointError("The arrays are damaged.") from error


def save_asset(path: Path, asset: AvatarAsset) -> None:
    """Writes an avatar without rounding it, which its file format does.

    Raises:
        OSError: the disk is full, ...
    """
    values = {field.name: getattr(asset, field.name) for field in fields(asset)}
    basis = values.pop(_BASIS)
    rows = np.zeros((0, 0), np.int64) if basis is None else basis.rows
    save_arrays(path, {_BASIS: rows, **{name: np.asarray(value) for name, value in values.items()}})


def load_asset(path: Path) -> AvatarAsset:
    """Reads what `save_asset` wrote.

    Raises:
        CheckpointError: the file is missing or damaged.
    """
    values: dict[str, Any] = dict(load_arrays(path))
    if set(values) != {field.name for field in fields(AvatarAsset)}:
        raise CheckpointError(f"{path} holds no avatar.")
    for text in ("head_model_id", "name"):
        values[text] = str(values[text])
    rows = values.pop(_BASIS)
    try:
        return AvatarAsset(motion_basis=MotionBasis.of_rows(rows) if rows.size else None, **values)
    except ValueError as error:
        raise CheckpointError(f"{path} holds no avatar.") from error
