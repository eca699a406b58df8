from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.smoothing import SETTINGS, OneEuroFilter, ParamsSmoother

FRAME_S = 0.04


@pytest.mark.parametrize("name", SETTINGS)
def test_first_value_passes_and_a_constant_stays(name):
    filter_ = OneEuroFilter(SETTINGS[name])
    value = np.array([0.3, -1.0])
    for index in range(5):
        np.testing.assert_allclose(filter_(value, index * FRAME_S), value)


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=30))
def test_output_stays_within_what_was_seen(values):
    filter_ = OneEuroFilter(SETTINGS["jaw_pose"])
    for index, value in enumerate(values):
        smooth = filter_(np.array([value]), index * FRAME_S)[0]
        assert min(values) - 1e-12 <= smooth <= max(values) + 1e-12


def test_noise_at_rest_is_calmed():
    noise = np.random.default_rng(0).normal(0, 0.001, (200, 3))
    filter_ = OneEuroFilter(SETTINGS["global_rotation"])
    smooth = np.array([filter_(value, index * FRAME_S) for index, value in enumerate(noise)])
    assert np.diff(smooth[20:], axis=0).std() < 0.5 * np.diff(noise[20:], axis=0).std()


def test_a_blink_of_four_pictures_closes_and_opens_the_eye():
    filter_ = OneEuroFilter(SETTINGS["eyelids"])
    closure = [0, 0, 0, 0.4, 1, 1, 0.4, 0, 0]
    smooth = [filter_(np.array([value, value]), index * FRAME_S)[0] for index, value in enumerate(closure)]
    assert max(smooth) > 0.9
    assert smooth[-1] < 0.15


def test_a_time_that_does_not_grow_repeats_the_value():
    filter_ = OneEuroFilter(SETTINGS["gaze"])
    first = filter_(np.zeros(4), 1.0)
    np.testing.assert_array_equal(filter_(np.ones(4), 1.0), first)
    np.testing.assert_array_equal(filter_(np.ones(4), 0.5), first)


def test_reset_forgets_the_past(studio):
    smoother = ParamsSmoother()
    smoother(studio.face(), 0.0)
    turned = studio.face(global_rotation=[0, 0.5, 0])
    smoother.reset()
    np.testing.assert_array_equal(smoother(turned, 0.04).to_vector(), turned.to_vector())
