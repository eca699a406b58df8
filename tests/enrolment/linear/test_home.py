from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from enrolment.linear.home import LARGEST, OUTSIDE, pulled_home
from enrolment.placement_views import project
from enrolment.take import SIDE
from renderer.avatar.avatar_model import AvatarModel
from renderer.head.open_head import load_open_head
from tests.support.drawn_takes import drawn_person, drawn_take


def test_large_gaussians_and_those_outside_are_held_firmly() -> None:
    take, head, asset = drawn_take(10), load_open_head(), drawn_person()
    scales = asset.log_scales.copy()
    scales[::2] += 0.5
    pulled = pulled_home(take, head, replace(asset, log_scales=scales))
    same = pulled_home(take, head, asset)
    assert (pulled[::2].mean() / pulled[1::2].mean()) > 1.5
    assert pulled.max() <= LARGEST * (1 + OUTSIDE)
    narrow = replace(take, inner=(0, 0, SIDE // 2, SIDE))  # the right half was not recorded
    half = pulled_home(narrow, head, asset)
    avatar = AvatarModel(head, asset)
    pixels = np.array([project(avatar.pose(take.params(int(i))).means, take.K) for i in take.train_indices])
    shown = ((pixels > 0) & (pixels < SIDE)).all(axis=(0, 2))
    left, right = pixels[..., 0].max(axis=0) < SIDE // 2, pixels[..., 0].min(axis=0) > SIDE // 2
    assert (half / same)[shown & left].max() == pytest.approx(1)
    assert (half / same)[shown & right].min() == pytest.approx(1 + OUTSIDE)
