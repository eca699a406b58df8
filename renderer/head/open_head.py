"""Loads the open head, the head model that comes with the program (docs/head-model.md)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from renderer.head.model import HeadModel

OPEN_HEAD_NAME = "open-head-1"

ARRAY_TYPES: dict[str, type] = {
    "v_template": np.float32,
    "faces": np.int32,
    "expressiondirs": np.float32,
    "posedirs": np.float32,
    "eyelid_dirs": np.float32,
    "J_regressor": np.float32,
    "lbs_weights": np.float32,
    "parts": np.uint8,
    "uv": np.float32,
    "uv_faces": np.int32,
    "landmark_faces": np.int32,
    "landmark_barycentrics": np.float32,
    "landmark_weights": np.float32,
    "blendshape_params": np.float32,
}
"""Arrays of HeadModel with their types in memory."""

POSING_ARRAYS = (
    "v_template",
    "faces",
    "expressiondirs",
    "posedirs",
    "eyelid_dirs",
    "J_regressor",
    "lbs_weights",
)
"""What face parameters and avatars depend on. Landmarks, blendshape priors, parts and UV only serve tools and the
tracker: they may improve without making avatars of the same head useless."""


def head_model_id(arrays: Mapping[str, NDArray[Any]]) -> str:
    """Hex SHA-256 over names, types, shapes and little-endian bytes of POSING_ARRAYS, in their order."""
    digest = hashlib.sha256()
    for name in POSING_ARRAYS:
        array = np.ascontiguousarray(arrays[name], np.dtype(ARRAY_TYPES[name]).newbyteorder("<"))
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


@lru_cache(maxsize=1)
def load_open_head() -> HeadModel:
    """The open head; read once, then shared.

    Raises:
        FileNotFoundError: the program was installed without its data.
    """
    path = resources.files("renderer.head") / "data" / "open_head.npz"
    with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        arrays = {name: np.ascontiguousarray(stored[name], kind) for name, kind in ARRAY_TYPES.items()}
        names = tuple(str(name) for name in stored["blendshape_names"])
    for array in arrays.values():
        array.setflags(write=False)
    return HeadModel(name=OPEN_HEAD_NAME, model_id=head_model_id(arrays), blendshape_names=names, **arrays)
