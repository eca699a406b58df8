from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tracker.matte_filter import TemporalFilter, edge_band, main_person, stretch_levels

SIZE = (96, 128)
FRAME_S = 0.04


def picture(x: int, *, brightness: int = 0, scene: int = 0) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """True mask and colors of a light square, 40 pixels wide, at column x before one of two backgrounds."""
    image = np.full((*SIZE, 3), (40, 60, 50) if scene == 0 else (150, 20, 160), np.uint8)
    image[::8] += 20
    image[28:68, x : x + 40] = (200, 170, 150)
    mask = np.zeros(SIZE, np.float32)
    mask[28:68, x : x + 40] = 1
    return mask, (image.astype(int) + brightness).clip(0, 255).astype(np.uint8)


def trembling(mask: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    noise = np.random.default_rng(seed).normal(0, 0.1, mask.shape)
    return np.clip(mask + noise, 0, 1).astype(np.float32)


def test_a_still_picture_has_a_still_mask():
    truth, image = picture(40)
    steady, masks = TemporalFilter(), []
    raw = [trembling(truth, index) for index in range(40)]
    for index, mask in enumerate(raw):
        masks.append(steady(mask, image, index * FRAME_S))

    def flicker(values):
        return np.abs(np.diff(values[10:], axis=0)).mean()

    assert flicker(masks) < 0.15 * flicker(raw)
    assert np.abs(masks[-1] - np.mean(raw, axis=0)).mean() < 0.02


def test_a_mask_follows_what_moves_at_once():
    steady = TemporalFilter()
    for index, x in enumerate(range(20, 70, 5)):
        truth, image = picture(x)
        result = steady(truth, image, index * FRAME_S)
        assert np.abs(result - truth).max() < 0.05


def test_slow_motion_leaves_no_trail():
    """Less than a pixel a frame: each difference is small, what they add up to is not."""
    steady = TemporalFilter()
    for index in range(60):
        share = index / 60
        truth, image = picture(40)
        moved_truth, moved_image = picture(44)
        truth = (1 - share) * truth + share * moved_truth
        image = np.round((1 - share) * image + share * moved_image.astype(float)).astype(np.uint8)
        result = steady(truth.astype(np.float32), image, index * FRAME_S)
    assert np.abs(result - truth).max() < 0.1


def test_a_scene_cut_forgets():
    steady = TemporalFilter()
    for index in range(10):
        steady(*picture(20), index * FRAME_S)
    truth, image = picture(70, scene=1)
    np.testing.assert_array_equal(steady(truth, image, 10 * FRAME_S), truth)


def test_a_change_of_exposure_is_no_motion():
    truth, image = picture(40)
    steady = TemporalFilter()
    for index in range(20):
        before = steady(truth, image, index * FRAME_S)
    brighter = picture(40, brightness=25)[1]
    after = steady(trembling(truth, 0), brighter, 20 * FRAME_S)
    assert np.abs(after - before).mean() < 0.02


@pytest.mark.parametrize("time_s", [5.0, 0.1, -1.0])
def test_a_gap_or_a_step_back_in_time_forgets(time_s):
    truth, image = picture(40)
    steady = TemporalFilter()
    for index in range(6):
        steady(truth, image, index * FRAME_S)
    np.testing.assert_array_equal(steady(1 - truth, image, time_s), 1 - truth)


def test_another_size_forgets():
    truth, image = picture(40)
    steady = TemporalFilter()
    steady(truth, image, 0.0)
    half = np.ascontiguousarray(truth[::2, ::2])
    np.testing.assert_array_equal(steady(half, np.ascontiguousarray(image[::2, ::2]), FRAME_S), half)


def test_only_the_person_stays():
    person, lamp = np.zeros(SIZE, np.float32), np.zeros(SIZE, np.float32)
    person[30:60, 40:60] = 0.9
    lamp[10:20, 100:120] = 0.6
    both = person + lamp
    np.testing.assert_array_equal(main_person(both), person)
    np.testing.assert_array_equal(main_person(both, (110, 15)), lamp)
    np.testing.assert_array_equal(main_person(both, (-5, 900)), person)  # the seed misses: the largest
    np.testing.assert_array_equal(main_person(np.zeros(SIZE, np.float32)), 0)


def test_levels_leave_a_soft_edge_only():
    ramp = stretch_levels(np.linspace(0, 1, 101, dtype=np.float32)[None])[0]
    assert (ramp[:11] < 1e-6).all()
    assert (ramp[90:] > 1 - 1e-6).all()
    assert (np.diff(ramp[10:91]) > 0).all()


def test_the_edge_band_has_the_margin_asked_for():
    soft = np.zeros(SIZE, np.float32)
    soft[:, 60:] = 1
    soft[:, 60:64] = (0.2, 0.4, 0.6, 0.8)
    np.testing.assert_array_equal(np.flatnonzero(edge_band(soft, 3)[50]), np.arange(57, 67))
    hard = (soft > 0.5).astype(np.float32)
    np.testing.assert_array_equal(np.flatnonzero(edge_band(hard, 2)[50]), np.arange(59, 65))
    assert not edge_band(np.ones(SIZE, np.float32), 5).any()
