from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from avatar_store.guests import guest_bytes, list_guests
from codec.avatar_asset import AvatarAsset
from codec.avatar_file import unpack_avatar
from codec.params import FaceParams
from enrolment.take import SIDE, Take
from renderer.avatar.avatar_model import AvatarModel
from renderer.avatar.frame_renderer import FrameRenderer
from renderer.camera import Camera
from renderer.head.model import HeadModel
from renderer.head.open_head import load_open_head
from renderer.head.pose import pose_vertices

FOCAL_PX = 700.0


@pytest.fixture(scope="session")
def head() -> HeadModel:
    return load_open_head()


@pytest.fixture(scope="session")
def guest() -> AvatarAsset:
    return unpack_avatar(guest_bytes(list_guests()[0].avatar_id))


def instant(seed: int) -> FaceParams:
    rng = np.random.default_rng(seed)
    face = FaceParams.neutral()
    return FaceParams(
        expression=rng.normal(0, 0.8, 50),
        global_rotation=rng.normal(0, 0.15, 3),
        translation=face.translation + rng.normal(0, 0.01, 3).astype(np.float32),
        jaw_pose=np.array([abs(rng.normal(0, 0.1)), 0, 0]),
        eyelids=rng.uniform(0, 0.6, 2),
        gaze=rng.normal(0, 0.1, 4),
    )


@pytest.fixture(scope="session")
def small_take(head: HeadModel, guest: AvatarAsset) -> Take:
    """Five pictures of a guest as if it had been filmed; the last is held out."""
    params = [instant(seed) for seed in range(5)]
    camera = Camera.looking_from_lens(SIDE, SIDE, FOCAL_PX)
    renderer = FrameRenderer(AvatarModel(head, guest), SIDE)
    pictures = np.stack([renderer.render_rgba(each, camera) for each in params])
    landmarks = []
    for each in params:
        corners = pose_vertices(head, guest.shape_offsets, each)[head.faces[head.landmark_faces]]
        points = (corners * head.landmark_barycentrics[..., None]).sum(axis=1)
        landmarks.append(points[:, :2] / points[:, 2:] * FOCAL_PX + SIDE / 2)
    return Take(
        images=pictures[..., :3].copy(),
        alphas=pictures[..., 3].copy(),
        time_s=np.arange(5) / 25,
        vectors=np.stack([each.to_vector() for each in params]),
        landmarks_px=np.stack(landmarks).astype(np.float32),
        scores=np.zeros((5, 52), np.float32),
        K=camera.K,
        held_out=np.array([False] * 4 + [True]),
        person=None,
        head_model_id=head.model_id,
    )


@pytest.fixture(scope="session")
def small_asset(guest: AvatarAsset) -> AvatarAsset:
    """A sixth of the guest's Gaussians, larger, with two bases that do nothing yet."""
    random = np.random.default_rng(3)
    names = ("faces_bound", "barycentrics", "local_means", "local_quats", "log_scales", "logit_opacities", "sh0")
    few = {name: getattr(guest, name)[::6] for name in (*names, "rigid_to_skull", "grid_uv")}
    few["log_scales"] = few["log_scales"] + np.float32(np.log(2))
    grid = np.zeros((2, 9, 48, 48), np.float16)
    weights = random.normal(0, 0.3, (2, 65)).astype(np.float32)
    return replace(guest, **few, basis_grid=grid, basis_weights=weights)
