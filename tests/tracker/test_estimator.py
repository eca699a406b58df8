from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from codec.params import FaceParams
from renderer.head.pose import rotation_matrix
from tracker.detection import Detection
from tracker.estimator import FaceEstimator
from tracker.gaze import PITCH_GAIN, YAW_GAIN

SIZE = (480, 640)
FRAME_S = 0.04


def angle_deg(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    turn = rotation_matrix(one) @ rotation_matrix(other).T
    return float(np.degrees(np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1))))


def jaw_row(studio, name: str) -> float:
    head = studio.head
    return float(head.blendshape_params[head.blendshape_names.index(name)][head.expressiondirs.shape[2] + 6])


class Run:
    """Feeds an estimator pictures at a fixed rate."""

    def __init__(self, studio) -> None:
        self.estimator = FaceEstimator(studio.head)
        self.time_s = 0.0

    def __call__(self, detection: Detection) -> tuple[FaceParams, float]:
        self.time_s += FRAME_S
        estimate = self.estimator.estimate(detection, SIZE, self.time_s)
        assert estimate is not None
        return estimate


@pytest.fixture
def run(studio) -> Run:
    run = Run(studio)
    for _ in range(15):
        run(studio.detection(studio.face()))
    return run


@pytest.mark.parametrize(
    ("rotation", "translation"),
    [
        ([0, 0, 0], [0, 0, 0.5]),
        ([0, 0.6, 0], [0.05, -0.03, 0.6]),  # turned to the picture's right
        ([0, -0.6, 0], [-0.1, 0.02, 0.8]),
        ([0.3, 0.2, -0.25], [0, 0, 0.45]),
        ([-0.3, -0.1, 0.4], [0.02, 0.05, 1.0]),
    ],
)
def test_pose_of_a_known_face_is_recovered_from_a_cold_start(studio, rotation, translation):
    truth = studio.face(global_rotation=rotation, translation=translation)
    params, residual = Run(studio)(studio.detection(truth))
    assert residual < 0.003
    assert angle_deg(params.global_rotation, truth.global_rotation) < 0.5
    np.testing.assert_allclose(params.translation, truth.translation, rtol=0.01, atol=0.002)


def test_pose_is_followed_through_a_turn(studio, run):
    for step in range(30):
        truth = studio.face(
            global_rotation=[0.01 * step, 0.02 * step, -0.005 * step], translation=[0.002 * step, 0, 0.6]
        )
        params, _ = run(studio.detection(truth))
        assert angle_deg(params.global_rotation, truth.global_rotation) < 0.5


def test_jaw_follows_score_and_landmarks_together(studio, run):
    opened = jaw_row(studio, "jawOpen")
    for score in (0.1, 0.3, 0.5, 0.3, 0.0):
        truth = studio.face(jaw_pose=[score * opened, 0, 0])
        params, _ = run(studio.detection(truth, jawOpen=score))
        assert params.jaw_pose[0] == pytest.approx(score * opened, abs=0.02)


def test_landmarks_correct_a_score_that_exaggerates(studio, run):
    opened = jaw_row(studio, "jawOpen")
    for _ in range(4):
        params, _ = run(studio.detection(studio.face(jaw_pose=[0.3 * opened, 0, 0]), jawOpen=0.6))
    assert 0.3 * opened < params.jaw_pose[0] < 0.5 * opened


def test_a_score_for_closing_the_mouth_does_nothing_while_the_jaw_is_shut(studio, run):
    head = studio.head
    close = head.blendshape_params[head.blendshape_names.index("mouthClose")][:50]
    for _ in range(4):
        params, _ = run(studio.detection(studio.face(), mouthClose=0.5))
    assert abs(params.expression @ close) < 0.1 * 0.5 * (close @ close)


def test_smile_of_one_side_stays_on_that_side(studio, run):
    head = studio.head
    left, right = (
        head.blendshape_params[head.blendshape_names.index(f"mouthSmile{side}")][:50] for side in ("Left", "Right")
    )
    for _ in range(4):
        params, _ = run(studio.detection(studio.face(expression=0.6 * left), mouthSmileLeft=0.6))
    basis = np.stack([left, right], axis=1)
    on_left, on_right = np.linalg.lstsq(basis, params.expression, rcond=None)[0]
    assert on_left == pytest.approx(0.6, abs=0.1)
    assert on_right == pytest.approx(0.0, abs=0.1)


@pytest.mark.parametrize(("side", "eye"), [("Left", 0), ("Right", 1)])
def test_blink_closes_the_eye_that_blinks(studio, run, side, eye):
    lids = np.eye(2)[eye]
    params, _ = run(studio.detection(studio.face(eyelids=lids), **{f"eyeBlink{side}": 0.7}))
    assert params.eyelids[eye] > 0.95
    assert params.eyelids[1 - eye] == 0
    params, _ = run(studio.detection(studio.face()))
    assert params.eyelids.max() == 0


@pytest.mark.parametrize("yaw", [-0.25, 0.25])
@pytest.mark.parametrize("turn", [0.0, 0.3])
def test_gaze_follows_the_irises_whichever_way_the_head_points(studio, run, yaw, turn):
    for _ in range(3):
        run(studio.detection(studio.face(global_rotation=[0, turn, 0])))
    # MediaPipe's iris landmarks move less than the irises.
    shown = np.tile([yaw / YAW_GAIN, 0.1 / PITCH_GAIN], 2)
    params, _ = run(studio.detection(studio.face(global_rotation=[0, turn, 0], gaze=shown)))
    np.testing.assert_allclose(params.gaze, [yaw, 0.1, yaw, 0.1], atol=0.06)


def test_a_stranger_is_learned_anew(studio):
    rng = np.random.default_rng(3)
    run, usual = Run(studio), studio.detection(studio.face())
    scale = np.linalg.norm(usual.landmarks_px[33] - usual.landmarks_px[263])
    personal = [
        Detection(
            usual.landmarks_px + rng.normal(0, 0.03 * scale, (478, 2)).astype(np.float32),
            usual.scores,
            usual.camera_from_face,
        )
        for _ in range(2)
    ]
    first = [run(personal[0])[1] for _ in range(60)]
    run.estimator.lose()
    run.time_s += 5
    second = [run(personal[1])[1] for _ in range(60)]
    assert first[-1] < 0.01
    assert second[-1] < 0.01


def test_a_missed_picture_changes_nothing(studio, run):
    before, _ = run(studio.detection(studio.face()))
    run.estimator.lose()
    after, _ = run(studio.detection(studio.face()))
    np.testing.assert_allclose(before.to_vector(), after.to_vector(), atol=0.02)


@pytest.mark.parametrize("broken", [np.nan, 0.0])
def test_landmarks_that_are_no_face_give_none(studio, broken):
    detection = studio.detection(studio.face())
    nonsense = Detection(detection.landmarks_px * np.float32(broken), detection.scores, detection.camera_from_face)
    assert FaceEstimator(studio.head).estimate(nonsense, SIZE, 0.0) is None
