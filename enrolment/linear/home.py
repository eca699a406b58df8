"""How firmly each Gaussian is held to where training found it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from codec.avatar_asset import AvatarAsset
from enrolment.placement_views import project
from enrolment.take import Take
from renderer.avatar.avatar_model import AvatarModel
from renderer.head.model import HeadModel

Floats = NDArray[np.float32]

LARGEST = 8.0
"""Large Gaussians have strong gradients where they are seen, so they are pulled more, by up to so many times."""
OUTSIDE, OUTSIDE_POWER = 40.0, 4
"""What lies outside of the recorded part, but reaches into it, is pulled so many times more; the power is that of the
share of the pictures in which it does."""
PICTURES = 16


def pulled_home(take: Take, head: HeadModel, asset: AvatarAsset) -> Floats:
    """[N] factors on the pull home, which is made for usual Gaussians that every picture shows.

    Args:
        take: the recording.
        head: the head model of `asset`.
        asset: where training begins.
    """
    areas = np.exp(np.sort(asset.log_scales, axis=1)[:, 1:].sum(axis=1))
    outside = 1 - _share_recorded(take, AvatarModel(head, asset))
    return (np.minimum(areas / areas.mean(), LARGEST) * (1 + OUTSIDE * outside**OUTSIDE_POWER)).astype(np.float32)


def _share_recorded(take: Take, avatar: AvatarModel) -> Floats:
    """[N] share of the pictures in which a Gaussian's middle lies within what was recorded."""
    indices = take.train_indices
    some = indices[np.linspace(0, len(indices) - 1, min(len(indices), PICTURES)).astype(int)]
    left, top, right, bottom = take.inner
    within = np.zeros(avatar.count, np.float32)
    for index in some:
        x, y = project(avatar.pose(take.params(int(index))).means, take.K).T
        within += (x >= left) & (x < right) & (y >= top) & (y < bottom)
    return within / np.float32(len(some))
