"""Pictures of guests: thumbnails for the page, contact sheets for the eye."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from codec.avatar_asset import AvatarAsset
from codec.params import FaceParams
from renderer.avatar.avatar_model import AvatarModel
from renderer.backends.cpu import CpuRasterizer
from renderer.camera import Camera
from renderer.framing import Framing
from renderer.head.open_head import load_open_head

Picture = NDArray[np.float32]

THUMBNAIL_PX = 256
PORTRAIT_YAW = 0.18
BACKDROP_TOP, BACKDROP_BOTTOM = np.array([0.905, 0.915, 0.93]), np.array([0.79, 0.81, 0.84])

SCENES: tuple[tuple[str, float], ...] = (
    ("neutral", 0.0),
    ("neutral", 0.785),
    ("neutral", 1.571),
    ("neutral", -0.785),
    ("smile", 0.0),
    ("open", 0.0),
    ("blink", 0.0),
    ("gaze", 0.0),
    ("brows", 0.0),
    ("pucker", 0.0),
    ("turn", 0.0),
    ("nod", 0.0),
)
"""Pose and yaw of the camera for the pictures of a contact sheet."""


def pose(name: str) -> FaceParams:
    """A named face of the open head.

    Raises:
        ValueError: the name is not known.
    """
    head = load_open_head()
    vector = FaceParams.neutral().to_vector()
    blends: dict[str, dict[str, float]] = {
        "neutral": {},
        "smile": {"mouthSmileLeft": 0.8, "mouthSmileRight": 0.8, "cheekSquintLeft": 0.4, "cheekSquintRight": 0.4},
        "friendly": {"mouthSmileLeft": 0.35, "mouthSmileRight": 0.35},
        "open": {"jawOpen": 0.7},
        "blink": {},
        "gaze": {},
        "brows": {"browInnerUp": 0.9, "browOuterUpLeft": 0.9, "browOuterUpRight": 0.9},
        "pucker": {"mouthPucker": 0.9},
        "turn": {},
        "nod": {},
    }
    if name not in blends:
        raise ValueError(f"no pose is called {name!r}")
    for shape, score in blends[name].items():
        vector = vector + score * head.blendshape_params[head.blendshape_names.index(shape)]
    expression, rotation, translation, jaw, lids, gaze = np.split(vector, np.cumsum([len(vector) - 15, 3, 3, 3, 2]))
    if name == "blink":
        lids = np.ones(2)
    if name == "gaze":
        gaze = np.array([0.4, 0.0, 0.4, 0.0])
    if name == "friendly":
        gaze = np.array([PORTRAIT_YAW, 0.0, PORTRAIT_YAW, 0.0])  # into the camera
    if name == "turn":
        rotation = np.array([0.0, 0.6, 0.0])
    if name == "nod":
        rotation = np.array([0.35, 0.0, 0.1])
    fields = (expression, rotation, translation, jaw, lids, gaze)
    return FaceParams(*(field.astype(np.float32) for field in fields))


def view(yaw: float, size: int, distance_m: float = 0.95) -> Camera:
    """The product's own framing of somebody at rest, seen from an angle."""
    framing = Framing()
    framing.observe(pose("neutral").translation, 0.0)
    return framing.camera(yaw=yaw, distance_m=distance_m, size=size)


def picture(model: AvatarModel, params: FaceParams, camera: Camera) -> Picture:
    """[H, W, 3] sRGB 0..1 on a soft neutral backdrop."""
    cloud = model.pose(params)
    rasterizer = CpuRasterizer()
    on_black = rasterizer.rasterize(cloud, camera, (0.0, 0.0, 0.0))
    on_white = rasterizer.rasterize(cloud, camera, (1.0, 1.0, 1.0))
    through = np.clip(on_white - on_black, 0, 1)
    height = np.linspace(0, 1, camera.height)[:, None, None]
    backdrop = BACKDROP_TOP + (BACKDROP_BOTTOM - BACKDROP_TOP) * height
    return np.clip(on_black + through * backdrop, 0, 1).astype(np.float32)


def thumbnail(asset: AvatarAsset) -> Picture:
    """The portrait for the avatar picker, drawn at twice its size."""
    model = AvatarModel(load_open_head(), asset)
    large = picture(model, pose("friendly"), view(PORTRAIT_YAW, 2 * THUMBNAIL_PX, distance_m=0.68))
    half = cv2.resize(large, (THUMBNAIL_PX, THUMBNAIL_PX), interpolation=cv2.INTER_AREA)
    return np.asarray(half, np.float32)


def contact_sheet(asset: AvatarAsset, size: int = 512, columns: int = 4) -> Picture:
    """All SCENES of one guest."""
    model = AvatarModel(load_open_head(), asset)
    pictures = [picture(model, pose(name), view(yaw, size)) for name, yaw in SCENES]
    rows = [np.hstack(pictures[k : k + columns]) for k in range(0, len(pictures), columns)]
    return np.vstack(rows)


def write_png(path: Path, image: Picture) -> None:
    """Writes an image of 0..1 values."""
    pixels = np.round(255 * image[:, :, ::-1]).astype(np.uint8)
    cv2.imwrite(str(path), pixels, [cv2.IMWRITE_PNG_COMPRESSION, 9])
