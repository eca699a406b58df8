"""Draws the golden frames anew: python -m tests.renderer.avatar.regenerate_golden_frames (after a change on purpose).

golden_frames.npz holds, for each shipped guest, one [96, 96, 3] uint8 picture of a face, drawn by the oracles of posing
and rasterizing. They change when guests are built anew.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avatar_store.guests import guest_bytes, list_guests
from codec.avatar_file import unpack_avatar
from codec.params import FaceParams
from renderer.avatar.avatar_model import AvatarModel
from renderer.backends.reference import ReferenceRasterizer
from renderer.camera import Camera
from renderer.framing import Framing
from renderer.head.open_head import load_open_head

SIZE = 96
BACKGROUND = (0.9, 0.85, 0.8)


def load_guests() -> dict[str, AvatarModel]:
    """The shipped guests by name."""
    head = load_open_head()
    return {guest.name: AvatarModel(head, unpack_avatar(guest_bytes(guest.avatar_id))) for guest in list_guests()}


def golden_view(number: int) -> tuple[FaceParams, Camera]:
    """A talking, turned, looking, half-blinking face and a view of it, both made of sines; another for each number."""
    phase = 1.7 * number
    face = FaceParams(
        expression=np.sin(phase + 2.4 * np.arange(50)),
        global_rotation=0.25 * np.sin(phase + np.array([0.0, 2.0, 4.0])),
        translation=np.array([0.02 * np.sin(phase), 0.01, 0.65]),
        jaw_pose=np.array([0.12 + 0.1 * np.sin(phase), 0.0, 0.0]),
        eyelids=0.5 + 0.5 * np.sin(phase + np.array([0.0, 0.3])),
        gaze=0.2 * np.sin(phase + np.arange(4)),
    )
    framing = Framing()
    framing.observe(face.translation, 0.0)
    return face, framing.camera(0.6 * np.sin(phase), 0.2 * np.cos(phase), size=SIZE)


def draw_golden_frame(avatar: AvatarModel, number: int) -> NDArray[np.uint8]:
    """[SIZE, SIZE, 3] picture."""
    face, camera = golden_view(number)
    image = ReferenceRasterizer().rasterize(avatar.pose(face), camera, BACKGROUND)
    return np.floor(255 * np.clip(image, 0, 1) + 0.5).astype(np.uint8)


if __name__ == "__main__":
    np.savez_compressed(
        Path(__file__).parent / "golden_frames.npz",
        **{name: draw_golden_frame(avatar, i) for i, (name, avatar) in enumerate(load_guests().items())},
    )
