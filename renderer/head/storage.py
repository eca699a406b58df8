"""Head models in npz files (no pickle), and finding the one that an avatar or a stream names."""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from renderer.errors import HeadModelError
from renderer.head.model import HeadModel

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


def make_head(name: str, arrays: Mapping[str, NDArray[Any]], blendshape_names: Iterable[str]) -> HeadModel:
    """A head model of arrays of any number type; its arrays are read-only and its id is computed."""
    typed = {key: np.array(arrays[key], kind, order="C") for key, kind in ARRAY_TYPES.items()}
    for array in typed.values():
        array.setflags(write=False)
    names = tuple(str(one) for one in blendshape_names)
    return HeadModel(name=name, model_id=head_model_id(typed), blendshape_names=names, **typed)


def pack_head(head: HeadModel) -> bytes:
    """The head model as an npz file."""
    file = io.BytesIO()
    arrays = {name: getattr(head, name) for name in ARRAY_TYPES}
    texts = {"name": np.array(head.name), "blendshape_names": np.array(head.blendshape_names)}
    np.savez_compressed(file, allow_pickle=False, **texts, **arrays)
    return file.getvalue()


def read_head(file: IO[bytes], name: str | None = None) -> HeadModel:
    """Reads a head model that `pack_head` or the builder of the open head wrote: a file of ours, from a trusted place.

    Args:
        file: the npz file.
        name: for a file that does not hold its name.

    Raises:
        KeyError, ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error: the file is damaged.
    """
    with np.load(file, allow_pickle=False) as stored:
        arrays = {key: stored[key] for key in ARRAY_TYPES}
        return make_head(name or str(stored["name"]), arrays, stored["blendshape_names"].tolist())


def load_head(wanted: str, installed: Iterable[Path] = ()) -> HeadModel:
    """The head model of that name or id: the open head, or one of the files given.

    Args:
        wanted: `HeadModel.name` or `HeadModel.model_id`.
        installed: npz files of head models that the user has installed.

    Raises:
        HeadModelError: none of them is the one, or a file is damaged.
    """
    from renderer.head.open_head import load_open_head

    heads = [load_open_head()]
    if wanted in (heads[0].name, heads[0].model_id):
        return heads[0]
    for path in installed:
        try:
            with path.open("rb") as file:
                head = read_head(file)
        except (KeyError, ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise HeadModelError(f"The head model {path} is damaged: install it again.") from error
        if wanted in (head.name, head.model_id):
            return head
        heads.append(head)
    here = ", ".join(f"{head.name} ({head.model_id[:8]})" for head in heads)
    raise HeadModelError(f"The head model {wanted[:64]} is needed but not installed; installed are: {here}.")
