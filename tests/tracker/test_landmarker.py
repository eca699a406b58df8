"""Our following of a face against MediaPipe's own video mode, which it replaces."""

from __future__ import annotations

import zipfile

import mediapipe as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mediapipe.tasks.python import BaseOptions
from mediapipe.tasks.python.vision import RunningMode
from mediapipe.tasks.python.vision.face_landmarker import FaceLandmarker, FaceLandmarkerOptions

from tracker.assets import locate_model
from tracker.canonical_face import MEMBER, CanonicalFace
from tracker.finder import tiles
from tracker.landmarker import Landmarker
from tracker.topology import inter_ocular

FRAME_MS = 40
SETTLED = 10
"""The first pictures differ: we look at a newly found face twice."""


@pytest.fixture(scope="module")
def pictures(studio):
    """A face that is still at first, then turns, nods, moves aside and talks."""
    phases = np.concatenate([np.zeros(SETTLED), np.linspace(0, 2 * np.pi, 40)])
    return [
        studio.picture(
            studio.face(
                global_rotation=[0.1 * np.cos(p), 0.3 * np.sin(p), 0.1 * np.sin(2 * p)],
                translation=[0.04 * np.sin(p), 0.02 * np.cos(p), 0.6],
                jaw_pose=[0.15 * (1 - np.cos(2 * p)), 0, 0],
            )
        )
        for p in phases
    ]


def test_landmarks_scores_and_pose_are_those_of_mediapipes_video_mode(pictures):
    options = FaceLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=str(locate_model().path)),
        running_mode=RunningMode.VIDEO,
        num_faces=1,
        output_face_blendshapes=True,
        output_facial_transformation_matrixes=True,
    )
    landmarker = Landmarker()
    with FaceLandmarker.create_from_options(options) as mediapipe:
        for index, picture in enumerate(pictures):
            ours = landmarker.detect(picture, index * FRAME_MS / 1000)
            image = mp.Image(image_format=mp.ImageFormat.SRGB, data=picture)
            theirs = mediapipe.detect_for_video(image, index * FRAME_MS)
            assert ours is not None
            if index < SETTLED:
                continue
            height, width = picture.shape[:2]
            points = np.array([(p.x * width, p.y * height) for p in theirs.face_landmarks[0]], np.float32)
            away = np.linalg.norm(ours.landmarks_px - points, axis=1).mean() / inter_ocular(points)
            assert away < 0.003
            scores = np.array([category.score for category in theirs.face_blendshapes[0]])
            assert np.abs(ours.scores - scores).mean() < 0.01
            np.testing.assert_allclose(
                ours.camera_from_face[:3, :3], theirs.facial_transformation_matrixes[0][:3, :3], atol=0.01
            )
    landmarker.close()


def test_a_face_that_leaves_and_returns_elsewhere_is_found_again(studio):
    here = studio.picture(studio.face(translation=[-0.1, 0, 0.7]))
    there = studio.picture(studio.face(translation=[0.12, 0.03, 0.8]))
    empty = np.full_like(here, 90)
    landmarker = Landmarker()
    found = [landmarker.detect(picture, index * 0.04) for index, picture in enumerate((here, here, empty, there))]
    landmarker.close()
    assert found[1] is not None
    assert found[2] is None
    assert found[3] is not None
    moved = found[3].landmarks_px.mean(axis=0) - found[1].landmarks_px.mean(axis=0)
    assert moved[0] > 100  # found where it is, not glided there from where it was


def test_somebody_far_from_the_camera_is_found_within_a_few_pictures(studio):
    far = studio.picture(studio.face(translation=[0.35, -0.1, 2.1]))
    landmarker = Landmarker()
    found = [landmarker.detect(far, index * 0.04) for index in range(len(tiles(far.shape[1], far.shape[0])))]
    landmarker.close()
    assert found[-1] is not None
    assert inter_ocular(found[-1].landmarks_px) < 0.05 * far.shape[1]
    assert abs(found[-1].landmarks_px[:, 0].mean() / far.shape[1] - 0.68) < 0.05


@given(st.integers(16, 2000), st.integers(16, 2000), st.floats(0, 1), st.floats(0, 1))
def test_wherever_a_small_face_is_it_is_whole_in_one_tile(width, height, across, down):
    places = tiles(width, height)
    face = places[0][2] / 4
    left, top = across * (width - face), down * (height - face)
    assert all(x >= 0 and y >= 0 and x + side <= width and y + side <= height for x, y, side in places)
    assert any(
        x - 1 <= left and y - 1 <= top and left + face <= x + side + 1 and top + face <= y + side + 1
        for x, y, side in places
    )


def test_pose_of_the_canonical_face_itself_is_the_identity():
    with zipfile.ZipFile(locate_model().path) as archive:
        face = CanonicalFace.parse(archive.read(MEMBER))
    height, width = 480, 640
    depth = 60.0 - face.points[:, 2]
    pixels_per_unit = height / 2 / np.tan(np.radians(63) / 2)
    seen = np.zeros((478, 3))
    seen[face.landmarks, 0] = width / 2 + face.points[:, 0] / depth * pixels_per_unit
    seen[face.landmarks, 1] = height / 2 - face.points[:, 1] / depth * pixels_per_unit
    seen[face.landmarks, 2] = -face.points[:, 2] / 60.0 * pixels_per_unit
    pose = face.camera_from_face(seen, (height, width))
    np.testing.assert_allclose(pose[:3, :3], np.eye(3), atol=0.02)
    np.testing.assert_allclose(pose[:3, 3], [0, 0, -60], atol=2.0)


@pytest.mark.parametrize("spoiled", [b"", b"\x0a\xff", b"\x0b", b"\xff" * 9, b"\x08\x01"])
def test_metadata_of_another_kind_is_refused(spoiled):
    with pytest.raises(ValueError, match=r"canonical|cut off|wire type|too long|number"):
        CanonicalFace.parse(spoiled)
