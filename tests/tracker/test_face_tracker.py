from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

import numpy as np
import pytest
from numpy.typing import NDArray

from codec.params import FaceParams
from tracker.detection import BLENDSHAPE_NAMES
from tracker.face_tracker import FaceTracker, TrackResult
from tracker.landmarker import Landmarker

FRAME_S = 0.04
NO_FACE = np.full((480, 640, 3), 90, np.uint8)


class Camera:
    """Feeds a tracker 25 pictures a second."""

    def __init__(self, tracker: FaceTracker) -> None:
        self.tracker = tracker
        self.time_s = 0.0

    def show(self, picture: NDArray[np.uint8], count: int = 1) -> TrackResult:
        for _ in range(count):
            self.time_s += FRAME_S
            result = self.tracker.track(picture, self.time_s)
        return result

    def show_face(self, picture: NDArray[np.uint8], count: int = 6) -> tuple[FaceParams, TrackResult]:
        result = self.show(picture, count)
        assert result.params is not None
        return result.params, result


@pytest.fixture(scope="module")
def shared_camera(studio) -> Iterator[Camera]:
    tracker = FaceTracker(studio.head, smoothing=False)
    yield Camera(tracker)
    tracker.close()


@pytest.fixture
def camera(shared_camera) -> Camera:
    """Loading networks takes time: one tracker for all, whose face has left before each test."""
    shared_camera.show(NO_FACE, 2)
    return shared_camera


def test_a_drawn_face_is_tracked_where_it_was_drawn(studio, camera):
    truth = studio.face(global_rotation=[0.05, 0.35, 0], translation=[0.03, 0.02, 0.6])
    params, result = camera.show_face(studio.picture(truth))
    assert result.landmarks_px is not None
    assert result.landmarks_px.shape == (478, 2)
    assert result.residual < 0.04
    np.testing.assert_allclose(params.global_rotation, truth.global_rotation, atol=0.12)
    np.testing.assert_allclose(params.translation, truth.translation, rtol=0.1, atol=0.01)


def test_left_and_right_are_the_persons(studio, camera):
    """Chirality, end to end: turned head, turned eyes, a wink of the left eye."""
    rest, _ = camera.show_face(studio.picture(studio.face()))
    for yaw in (-0.3, 0.3):
        turned, _ = camera.show_face(studio.picture(studio.face(global_rotation=[0, yaw, 0])))
        assert turned.global_rotation[1] / yaw > 0.7
    for yaw in (-0.3, 0.3):
        aside, _ = camera.show_face(studio.picture(studio.face(gaze=[yaw, 0, yaw, 0])))
        assert (aside.gaze[0] - rest.gaze[0]) / yaw > 0.4
    wink, _ = camera.show_face(studio.picture(studio.face(eyelids=[1, 0])))
    assert wink.eyelids[0] > wink.eyelids[1] + 0.3


def test_an_open_mouth_opens_the_jaw(studio, camera):
    shut, _ = camera.show_face(studio.picture(studio.face()))
    wide, _ = camera.show_face(studio.picture(studio.face(jaw_pose=[0.3, 0, 0])))
    assert shut.jaw_pose[0] < 0.05
    assert wide.jaw_pose[0] > 0.15


def test_a_picture_without_a_face_is_a_result(camera):
    result = camera.show(NO_FACE)
    assert result.params is None
    assert result.landmarks_px is None
    assert result.scores is None
    assert np.isnan(result.residual)


def test_timestamps_that_do_not_grow_are_no_error(studio, camera):
    picture = studio.picture(studio.face())
    camera.show_face(picture)
    for time_s in (camera.time_s, camera.time_s, 0.0, -5.0):
        assert camera.tracker.track(picture, time_s).params is not None


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((48, 64), np.uint8),
        np.zeros((48, 64, 4), np.uint8),
        np.zeros((48, 64, 3), np.float32),
        np.zeros((0, 64, 3), np.uint8),
    ],
)
def test_other_kinds_of_pictures_are_refused(camera, image):
    with pytest.raises(ValueError, match="expected a picture"):
        camera.tracker.track(image, 0.0)


def test_a_timestamp_that_is_no_number_is_refused(camera):
    with pytest.raises(ValueError, match="not finite"):
        camera.tracker.track(np.zeros((48, 64, 3), np.uint8), float("nan"))


def test_a_large_picture_gives_landmarks_in_its_own_pixels(studio):
    small = studio.picture(studio.face())
    large = np.repeat(np.repeat(small, 3, axis=0), 3, axis=1)  # 1920 wide: shrunk before detection
    landmarker = Landmarker()
    try:
        pictures = [small] * 4 + [large] * 6
        found = [landmarker.detect(picture, index * FRAME_S) for index, picture in enumerate(pictures)]
    finally:
        landmarker.close()
        landmarker.close()
    assert found[3] is not None
    assert found[-1] is not None
    np.testing.assert_allclose(found[-1].landmarks_px, 3 * found[3].landmarks_px, atol=12)


def test_scores_have_the_order_that_mediapipe_gives_them():
    names = import_module("mediapipe.tasks.python.vision.face_landmarker").Blendshapes
    assert (
        tuple(name.name.lower() for name in names)[1:]
        == tuple(
            "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
            for name in BLENDSHAPE_NAMES
        )[1:]
    )


def test_starting_is_quiet(capfd, studio):
    tracker = FaceTracker(studio.head)
    tracker.track(np.zeros((64, 64, 3), np.uint8), 0.0)
    tracker.close()
    assert capfd.readouterr().err == ""
