"""The meter of poses, and the hints for a recording."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from codec.params import FaceParams
from enrolment.coverage import Coverage, head_angles
from enrolment.quality import picture_quality
from tracker.detection import BLENDSHAPE_NAMES


def turned(yaw: float = 0, pitch: float = 0, roll: float = 0, lids: float = 0) -> FaceParams:
    """Degrees; pitch upwards, roll towards the person's left shoulder."""
    rotation = np.eye(3)
    for axis, degrees in ((1, yaw), (0, -pitch), (2, -roll)):
        vector = np.zeros(3)
        vector[axis] = np.radians(degrees)
        rotation = rotation @ cv2.Rodrigues(vector)[0]
    return replace(
        FaceParams.neutral(), global_rotation=cv2.Rodrigues(rotation)[0].ravel(), eyelids=np.full(2, lids, np.float32)
    )


def scored(**values: float) -> np.ndarray:
    scores = np.zeros(52, np.float32)
    for name, value in values.items():
        scores[BLENDSHAPE_NAMES.index(name)] = value
    return scores


def test_angles_are_told_apart() -> None:
    np.testing.assert_allclose(head_angles(turned(30, 10, -7)), (30, 10, -7), atol=1e-4)


@pytest.mark.parametrize(
    ("name", "params", "scores"),
    [
        ("left", turned(yaw=30), None),
        ("right", turned(yaw=-30), None),
        ("up", turned(pitch=15), None),
        ("down", turned(pitch=-15), None),
        ("tilt_left", turned(roll=12), None),
        ("tilt_right", turned(roll=-12), None),
        ("blink", turned(lids=0.95), None),
        ("mouth", turned(), scored(jawOpen=0.6)),
        ("smile", turned(), scored(mouthSmileLeft=0.7, mouthSmileRight=0.7)),
    ],
)
def test_each_pose_fills_its_own_meter(name: str, params: FaceParams, scores: np.ndarray | None) -> None:
    coverage = Coverage()
    everything = len(coverage.missing)
    coverage.add(params, scores)
    assert coverage.shares[name] == 0  # one picture may be a slip
    for _ in range(3):
        coverage.add(params, scores)
    assert coverage.shares[name] == 1
    assert sum(coverage.shares.values()) == pytest.approx(1, abs=0.1)
    assert len(coverage.missing) == everything - 1
    assert all(sentence.endswith(".") for sentence in coverage.missing)


def test_a_start_fills_the_meter_in_part() -> None:
    coverage = Coverage()
    for _ in range(3):
        coverage.add(turned(yaw=12.5))
    assert coverage.shares["left"] == pytest.approx(0.5, abs=0.01)
    assert 0 < coverage.share < 0.1


def portrait(level: int = 130, face_px: int = 250, blur: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """A picture [480, 640, 3] with a textured square for a face, and its landmarks."""
    rng = np.random.default_rng(4)
    picture = np.full((480, 640, 3), 90, np.uint8)
    top, left = (480 - face_px) // 2, (640 - face_px) // 2
    # Contrast at every size, as faces have.
    layers = [(4, 30), (12, 20), (40, 12), (120, 8)]
    face = np.zeros((face_px, face_px))
    for grains, strength in layers:
        face += cv2.resize(rng.normal(0, strength, (grains, grains)), (face_px, face_px), interpolation=cv2.INTER_CUBIC)
    gray = np.clip(level + face * min(level, 255 - level) / 130, 0, 255).astype(np.uint8)
    if blur:
        gray = np.asarray(cv2.GaussianBlur(gray, (0, 0), blur * face_px / 200), np.uint8)
    picture[top : top + face_px, left : left + face_px] = gray[..., None]
    landmarks = np.random.default_rng(1).uniform(0, face_px, (478, 2)) + np.array([left, top])
    landmarks[:2] = [(left, top), (left + face_px, top + face_px)]
    return picture, landmarks.astype(np.float32)


def test_a_good_picture_needs_no_hint() -> None:
    quality = picture_quality(*portrait())
    assert quality.hints == ()
    assert min(quality.light, quality.sharpness, quality.distance) > 0.9


@pytest.mark.parametrize(
    ("picture", "meter", "words"),
    [
        (portrait(level=25), "light", "too dark"),
        (portrait(level=240), "light", "too bright"),
        (portrait(blur=5), "sharpness", "blurred"),
        (portrait(face_px=70), "distance", "too far"),
        (portrait(face_px=440), "distance", "too close"),
    ],
)
def test_what_is_wrong_is_told(picture: tuple[np.ndarray, np.ndarray], meter: str, words: str) -> None:
    quality = picture_quality(*picture)
    assert words in quality.hints[0]
    assert getattr(quality, meter) < 0.8


def test_light_from_one_side() -> None:
    picture, landmarks = portrait()
    picture[:, :320] //= 2
    assert picture_quality(picture, landmarks).hints == ("The light comes from one side: face it.",)


def test_a_face_that_is_cut_off() -> None:
    picture, landmarks = portrait()
    assert "cut off" in picture_quality(picture, landmarks - (250, 0)).hints[0]
    assert "middle" in picture_quality(picture, landmarks - (900, 0)).hints[0]
