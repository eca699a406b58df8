from __future__ import annotations

import numpy as np

from enrolment.linear.exposure import STEADY, exposures, lit


def test_what_the_camera_changes_is_taken_back():
    truth = np.ones((40, 3), np.float32)
    truth[20:] = [1.3, 1.2, 1.1]  # the camera has opened
    factors = exposures(1 / truth)
    even = truth * factors
    assert np.ptp(truth, axis=0).min() > 0.09
    assert np.ptp(even, axis=0).max() < 0.06
    np.testing.assert_allclose(factors.mean(axis=0), 1, atol=0.02)


def test_small_changes_are_the_persons():
    lights = 1 + 0.9 * STEADY * np.sin(np.arange(30))[:, None] * np.ones(3)
    assert (exposures(lights.astype(np.float32)) == 1).all()


def test_a_picture_is_multiplied_and_stays_within_eight_bits():
    picture = np.array([[[100, 200, 50]]], np.uint8)
    assert lit(picture, np.ones(3, np.float32)) is picture
    assert lit(picture, np.array([1.1, 1.5, 0.5], np.float32)).tolist() == [[[110, 255, 25]]]
