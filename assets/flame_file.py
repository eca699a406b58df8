"""Reads a FLAME model (Li et al. 2017) of any edition: the published pickles, or the same arrays as an npz.

FLAME 2020 (`generic_model.pkl`) and 2023 (`flame2023.pkl`) are chumpy-era pickles for non-commercial research. FLAME
2023 Open (`flame2023_Open.pkl`) is a newer pickle under CC-BY-4.0. All hold 5023 vertices, 9976 triangles, 300
directions of identity, 100 of expression and five joints, but other numbers in them: parameters of one edition do not
fit another.
"""

from __future__ import annotations

import hashlib
import io
import math
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from assets import pickled_arrays, safe_pickle
from assets.errors import FlameFileError, UnsafePickle

VERTICES, FACES, IDENTITY, EXPRESSION = 5023, 9976, 300, 100
KEPT_EXPRESSION = 50
"""Expression directions that face parameters drive (codec.params.MAX_EXPRESSION)."""
NECK, JAW, LEFT_EYE, RIGHT_EYE = 1, 2, 3, 4
PARENTS = (-1, 0, 1, 1, 1)

EDITIONS = {
    "flame-2020": "FLAME 2020, Max Planck Society: non-commercial scientific research only; do not pass it on.",
    "flame-2023": "FLAME 2023, Max Planck Society: non-commercial scientific research only; do not pass it on.",
    "flame-2023-open": "FLAME 2023 Open, Max Planck Society: CC-BY-4.0; name the authors where you show it.",
}
"""Edition -> licence note."""

_SHAPES: dict[str, tuple[int, ...]] = {
    "v_template": (VERTICES, 3),
    "f": (FACES, 3),
    "shapedirs": (VERTICES, 3, IDENTITY + EXPRESSION),
    "posedirs": (VERTICES, 3, 36),
    "J_regressor": (5, VERTICES),
    "kintree_table": (2, 5),
    "weights": (VERTICES, 5),
}
_OPEN_KEY = "supr_expression_metadata"
_NPZ_NAMES = {"faces": "f", "lbs_weights": "weights"}
_TOLERANCE = 1e-3
_LARGEST_M = 1.0
_EYE_DISTANCE_M = (0.04, 0.1)
_LARGEST_SHARE = 10.0
"""Of one vertex in a joint: beyond, joints are differences of large numbers."""


@dataclass(frozen=True, eq=False)
class FlameFile:
    """A checked FLAME model. FLAME's frame: metres, +x to the person's left, +y up, +z out of the face.

    Args:
        edition: key of EDITIONS.
        source: name of the file.
        sha256: hex digest of the file.
        v_template: [V, 3] float32.
        faces: [F, 3] int32.
        shapedirs: [V, 3, 300] float32, identity, metres per standard deviation.
        expressiondirs: [V, 3, 50] float32, metres per standard deviation.
        posedirs: [36, V, 3] float32 (renderer.head.model).
        J_regressor: [5, V] float64, rows sum to 1.
        lbs_weights: [V, 5] float32, rows sum to 1.
    """

    edition: str
    source: str
    sha256: str
    v_template: NDArray[np.float32]
    faces: NDArray[np.int32]
    shapedirs: NDArray[np.float32]
    expressiondirs: NDArray[np.float32]
    posedirs: NDArray[np.float32]
    J_regressor: NDArray[np.float64]
    lbs_weights: NDArray[np.float32]


def read_flame(path: Path, edition: str | None = None) -> FlameFile:
    """Reads and checks a FLAME model; no code of the file is run.

    Args:
        path: a `.pkl` as published, or an `.npz` with arrays of the same names.
        edition: key of EDITIONS; without it, the file's content and name tell.

    Raises:
        FlameFileError: the file is missing, too large, no FLAME model, or its numbers are unusable.
        UnsafePickle: it is a pickle that is damaged or wants more than arrays.
    """
    data = _read(path)
    if data[:4] == b"PK\x03\x04":
        content: Mapping[Any, object] = _read_npz(data)
    else:
        loaded = safe_pickle.load(data)
        if not isinstance(loaded, dict):
            raise FlameFileError(f"{path.name} is no FLAME model: it holds no table of arrays.")
        content = cast("dict[Any, object]", loaded)
    arrays = {name: _array(path.name, content, name, shape) for name, shape in _SHAPES.items()}
    _check(path.name, arrays)
    identity_and_expression = arrays["shapedirs"].astype(np.float32)
    return FlameFile(
        edition=_edition(path.name, content, edition),
        source=path.name,
        sha256=hashlib.sha256(data).hexdigest(),
        v_template=arrays["v_template"].astype(np.float32),
        faces=arrays["f"].astype(np.int32),
        shapedirs=np.ascontiguousarray(identity_and_expression[:, :, :IDENTITY]),
        expressiondirs=np.ascontiguousarray(identity_and_expression[:, :, IDENTITY : IDENTITY + KEPT_EXPRESSION]),
        posedirs=np.ascontiguousarray(np.moveaxis(arrays["posedirs"], 2, 0), np.float32),
        J_regressor=arrays["J_regressor"].astype(np.float64),
        lbs_weights=arrays["weights"].astype(np.float32),
    )


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(safe_pickle.MAX_BYTES + 1)
    except OSError as error:
        raise FlameFileError(f"Cannot read {path}: {error.strerror}.") from error
    if len(data) > safe_pickle.MAX_BYTES:
        raise FlameFileError(f"{path.name} is larger than {safe_pickle.MAX_BYTES >> 20} MiB: this is no FLAME model.")
    if not data:
        raise FlameFileError(f"{path.name} is empty.")
    return data


def _read_npz(data: bytes) -> dict[str, object]:
    """The arrays of an npz. Unlike numpy, it trusts no header: nothing is allocated that the archive does not hold."""
    arrays: dict[str, object] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [member for member in archive.infolist() if member.filename.endswith(".npy")]
            if not members:
                raise FlameFileError("This is a zip archive: unpack it and name the .pkl file that is in it.")
            if sum(member.file_size for member in members) > safe_pickle.MAX_BYTES:
                raise FlameFileError(f"The file unpacks to more than {safe_pickle.MAX_BYTES >> 20} MiB: it is refused.")
            for member in members:
                name = member.filename.removesuffix(".npy")
                name = _NPZ_NAMES.get(name, name)
                if name in _SHAPES or name == _OPEN_KEY:
                    with archive.open(member) as file:
                        arrays[name] = _parse_npy(file.read(member.file_size))
    except FlameFileError:
        raise
    except Exception as error:  # a hostile archive can raise anything
        raise FlameFileError("The file is damaged: its arrays cannot be read.") from error
    return arrays


def _parse_npy(data: bytes) -> NDArray[Any]:
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, kind = read(stream)
    raw = data[stream.tell() :]
    if kind.hasobject or len(raw) != math.prod(shape) * kind.itemsize:
        raise ValueError("size and header differ")
    return np.frombuffer(raw, kind).reshape(shape, order="F" if fortran else "C")


def _array(source: str, content: Mapping[Any, object], name: str, shape: tuple[int, ...]) -> NDArray[Any]:
    if name not in content:
        raise FlameFileError(f"{source} is no FLAME model: it has no {name!r}.")
    value = content[name]
    try:
        array: NDArray[Any] = (
            cast("NDArray[Any]", value) if isinstance(value, np.ndarray) else pickled_arrays.dense(value)
        )
    except UnsafePickle as error:
        raise FlameFileError(f"{source}: {name!r} cannot be read. {error}") from error
    if array.dtype.kind not in "iuf":
        raise FlameFileError(f"{source}: {name!r} holds no numbers.")
    if array.shape != shape:
        raise FlameFileError(f"{source}: {name!r} has the shape {array.shape}, FLAME's has {shape}.")
    if not np.isfinite(array).all():
        raise FlameFileError(f"{source}: {name!r} holds numbers that are not finite.")
    return array


def _check(source: str, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Raises FlameFileError unless the numbers can be those of a head."""
    faces, weights, regressor = arrays["f"], arrays["weights"], arrays["J_regressor"]
    if faces.min() < 0 or faces.max() >= VERTICES or (faces != np.floor(faces)).any():
        raise FlameFileError(f"{source}: a triangle names a vertex that does not exist.")
    table = arrays["kintree_table"].astype(np.int64)
    parents = np.where(table[0] >= 2**31, -1, table[0])  # the root's parent is written as an unsigned -1
    if tuple(parents.tolist()) != PARENTS:
        raise FlameFileError(f"{source}: the joints are not root, neck, jaw, left eye and right eye.")
    if weights.min() < -_TOLERANCE or np.abs(weights.sum(axis=1) - 1).max() > _TOLERANCE:
        raise FlameFileError(f"{source}: the skinning weights of a vertex do not add up to 1.")
    if np.abs(regressor).max() > _LARGEST_SHARE or np.abs(regressor.sum(axis=1) - 1).max() > _TOLERANCE:
        raise FlameFileError(f"{source}: the joint regressor's weights do not add up to 1.")
    for name in ("v_template", "shapedirs", "posedirs"):
        if np.abs(arrays[name]).max() > _LARGEST_M:
            raise FlameFileError(f"{source}: {name!r} is not in metres.")
    joints = regressor @ arrays["v_template"]
    eyes = joints[[LEFT_EYE, RIGHT_EYE]]
    if not (eyes[0, 0] > 0.01 + eyes[1, 0] and (eyes[:, 1:] > joints[NECK, 1:]).all()):
        raise FlameFileError(f"{source}: the head does not stand upright and look along +z, as FLAME's does.")
    if not _EYE_DISTANCE_M[0] < np.linalg.norm(eyes[0] - eyes[1]) < _EYE_DISTANCE_M[1]:
        raise FlameFileError(f"{source}: 'v_template' is not in metres, or not of a grown person's size.")


def _edition(source: str, content: Mapping[Any, object], wanted: str | None) -> str:
    """The edition: as the user says, else by FLAME 2023 Open's own note, else by the published files' names."""
    if wanted is not None:
        if wanted not in EDITIONS:
            raise FlameFileError(f"There is no FLAME edition {wanted[:40]!r}: choose one of {', '.join(EDITIONS)}.")
        return wanted
    name = source.lower()
    if _OPEN_KEY in content or "open" in name:
        return "flame-2023-open"
    if "2023" in name:
        return "flame-2023"
    if "2020" in name or "generic_model" in name:
        return "flame-2020"
    raise FlameFileError(
        f"{source} does not tell its edition: add --edition with one of {', '.join(EDITIONS)}, as on the page that "
        "you have it from."
    )
