"""What is compared: the held-out end of a clip, and how avatars that were learned from the rest of it follow it."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codec.params import FaceParams
from enrolment.checkpoint import replacing
from renderer.camera import Camera
from visavis.bench.rd.ffmpeg import Pictures

RATE = 25
"""Pictures a second of everything that is compared, as in the paper."""
_FACE = 65


@dataclass(frozen=True, eq=False)
class Worn:
    """One avatar file and the faces that its sender sends.

    Args:
        name: in figures.
        title: for people.
        data: the file, .vav or .vap.
        vectors: [T, 71] a face for each picture, renderer.avatar.avatar_model.instant_vector.
        follow_ms: what it took to find one, median.
    """

    name: str
    title: str
    data: bytes
    vectors: NDArray[np.float32]
    follow_ms: float = 0.0

    def faces(self) -> list[FaceParams]:
        """The T faces."""
        return [FaceParams.from_vector(vector[:_FACE], vector[_FACE:]) for vector in self.vectors]


@dataclass(frozen=True, eq=False)
class Scene:
    """T pictures of one person over white, RATE a second.

    Args:
        name: of the clip.
        pictures: [T, S, S, 3] uint8 sRGB.
        K: [3, 3] float32 intrinsics.
        inner: (left, top, right, bottom) of the pixels that show the recording; what is around them is white.
        avatars: what was learned from the rest of the clip.
        stages: bytes of Gaussians and of the network at each stage of the paper's compression, by its name; empty where
            nothing was compressed.
    """

    name: str
    pictures: Pictures
    K: NDArray[np.float32]
    inner: tuple[int, int, int, int]
    avatars: tuple[Worn, ...] = ()
    stages: dict[str, tuple[int, int]] = field(default_factory=dict)

    def camera(self) -> Camera:
        """The camera of the pictures."""
        side = self.pictures.shape[1]
        return Camera(np.eye(4, dtype=np.float32), self.K, side, side)

    def outside(self) -> NDArray[np.bool_]:
        """[S, S] pixels that the recording does not show."""
        left, top, right, bottom = self.inner
        outside = np.ones(self.pictures.shape[1:3], bool)
        outside[top:bottom, left:right] = False
        return outside

    def avatar(self, name: str) -> Worn | None:
        """The avatar of that name."""
        return next((worn for worn in self.avatars if worn.name == name), None)


def save_scene(scene: Scene, path: Path) -> None:
    """Writes a scene, at once or not at all.

    Raises:
        OSError: it cannot be written.
    """
    arrays: dict[str, NDArray[np.generic]] = {
        "pictures": scene.pictures,
        "K": scene.K,
        "inner": np.array(scene.inner),
        "name": np.array(scene.name),
        "avatars": np.array([(worn.name, worn.title) for worn in scene.avatars], np.str_).reshape(-1, 2),
        "stages": np.array(list(scene.stages), np.str_),
        "stage_bytes": np.array(list(scene.stages.values()), np.int64).reshape(-1, 2),
    }
    for worn in scene.avatars:
        arrays[f"{worn.name}_file"] = np.frombuffer(worn.data, np.uint8)
        arrays[f"{worn.name}_vectors"] = worn.vectors
        arrays[f"{worn.name}_follow_ms"] = np.array(worn.follow_ms)
    with replacing(path) as part, part.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)  # pyright: ignore[reportArgumentType]


def load_scene(path: Path) -> Scene | None:
    """What `save_scene` wrote; None if there is no such file, or it is damaged: it is made again then."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            avatars = [
                Worn(
                    name,
                    title,
                    stored[f"{name}_file"].tobytes(),
                    stored[f"{name}_vectors"],
                    float(stored[f"{name}_follow_ms"]),
                )
                for name, title in stored["avatars"].tolist()
            ]
            left, top, right, bottom = (int(edge) for edge in stored["inner"])
            inner = (left, top, right, bottom)
            sizes = ((int(gaussians), int(network)) for gaussians, network in stored["stage_bytes"])
            stages = dict(zip(stored["stages"].tolist(), sizes, strict=True))
            return Scene(str(stored["name"]), stored["pictures"], stored["K"], inner, tuple(avatars), stages)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
