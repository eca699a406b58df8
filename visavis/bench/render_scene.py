"""What the rendering benchmarks draw: a guest avatar with bases, a face that moves, a camera that swings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from avatar_store.errors import AvatarStoreError
from avatar_store.guests import guest_bytes, list_guests
from codec.avatar_asset import AvatarAsset
from codec.avatar_file import unpack_avatar
from codec.params import MAX_EXPRESSION, FaceParams
from renderer.avatar.avatar_model import AvatarModel
from renderer.camera import Camera
from renderer.framing import Framing
from renderer.head.model import HeadModel
from renderer.head.open_head import load_open_head
from visavis.bench.synthetic import synthetic_avatar

BACKGROUND = (0.93, 0.93, 0.94)

BASES = 16
"""Guests have none; those that are measured get as many as an enrolled person's avatar."""


def bench_avatar() -> AvatarModel:
    """Guest number one with made-up bases; an installation without guests is measured with a made-up avatar."""
    head = load_open_head()
    made_up = synthetic_avatar(head, bases=BASES)
    guest = _first_guest(head)
    if guest is None:
        return AvatarModel(head, made_up)
    return AvatarModel(head, replace(guest, basis_grid=made_up.basis_grid, basis_weights=made_up.basis_weights))


def _first_guest(head: HeadModel) -> AvatarAsset | None:
    try:
        for guest in list_guests():
            asset = unpack_avatar(guest_bytes(guest.avatar_id))
            if asset.head_model_id == head.model_id:
                return asset
    except AvatarStoreError:
        pass
    return None


def moving_face(frames: int) -> list[FaceParams]:
    """Another expression, another pose of the head in every frame."""
    rest = FaceParams.neutral()
    pace = 0.05 + 0.1 * np.random.default_rng(0).random(MAX_EXPRESSION)
    return [
        replace(
            rest,
            expression=np.sin(pace * i + np.arange(MAX_EXPRESSION)).astype(np.float32),
            global_rotation=np.array([0.1 * np.sin(0.07 * i), 0.4 * np.sin(0.03 * i), 0], np.float32),
            jaw_pose=np.array([0.1 + 0.1 * np.sin(0.3 * i), 0, 0], np.float32),
            eyelids=np.full(2, i % 50 < 4, np.float32),
        )
        for i in range(frames)
    ]


def swinging_camera(face: FaceParams, size: int) -> Iterator[Camera]:
    """Views of `size` x `size` from ever other sides, without end."""
    framing = Framing()
    framing.observe(face.translation, 0.0)
    i = 0
    while True:
        yield framing.camera(yaw=0.5 * np.sin(0.05 * i), pitch=0.1, size=size)
        i += 1
