from __future__ import annotations

import numpy as np
import pytest

from tracker.calibration import LandmarkOffsets, ScoreCalibration
from tracker.detection import BLENDSHAPE_NAMES
from tracker.landmark_model import LandmarkModel
from tracker.topology import fit_landmarks

FRAME_S = 0.04
JAW = BLENDSHAPE_NAMES.index("jawOpen")


def test_a_mouth_that_rests_at_a_small_score_is_shown_closed(studio):
    calibration = ScoreCalibration()
    for _ in range(100):
        calibration.observe(studio.scores(jawOpen=0.06), FRAME_S)
    assert calibration.expression_scores(studio.scores(jawOpen=0.06))[JAW] < 0.02
    assert calibration.expression_scores(studio.scores(jawOpen=1.0))[JAW] == pytest.approx(1.0)


def test_a_mouth_held_open_does_not_become_the_resting_mouth(studio):
    calibration = ScoreCalibration()
    for _ in range(500):
        calibration.observe(studio.scores(jawOpen=0.6), FRAME_S)
    assert calibration.expression_scores(studio.scores(jawOpen=0.6))[JAW] > 0.5


@pytest.mark.parametrize(("opened", "closed"), [(0.05, 0.55), (0.2, 0.6), (0.3, 0.85)])
def test_eyelids_use_the_whole_range_of_a_persons_blinks(studio, opened, closed):
    calibration = ScoreCalibration()
    rest = studio.scores(eyeBlinkLeft=opened, eyeBlinkRight=opened)
    blink = studio.scores(eyeBlinkLeft=closed, eyeBlinkRight=closed)
    for index in range(400):
        calibration.observe(blink if index % 80 in (40, 41, 42) else rest, FRAME_S)
    np.testing.assert_allclose(calibration.eyelids(rest), 0.0, atol=0.01)
    np.testing.assert_allclose(calibration.eyelids(blink), 1.0, atol=0.05)


def test_offsets_never_contain_what_looks_like_a_pose(studio):
    indices, weights = fit_landmarks(studio.head.landmark_weights)
    model = LandmarkModel.of(studio.head, indices)
    offsets = LandmarkOffsets(model, weights)
    centered = model.rest - np.average(model.rest, axis=0, weights=weights)
    turn = np.cross([0.1, 0.2, -0.1], centered)
    shear = centered @ np.array([[0, 0.1, 0], [0.1, 0, 0.2], [0, 0.2, 0]])
    posed = turn + shear + 0.05 * centered + np.array([0.01, 0, 0.02])
    np.testing.assert_allclose(offsets._without_pose(posed), 0, atol=1e-9)
    wider_nose = np.zeros_like(model.rest)
    wider_nose[::7, 0] = 0.002
    assert np.abs(offsets._without_pose(wider_nose)).max() > 0.001
