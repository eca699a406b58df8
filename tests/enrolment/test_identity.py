from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from enrolment.identity import fit_identity
from enrolment.identity_pose import Turn, rotation_vector
from enrolment.placement_surface import MESH_LANDMARKS, landmarks_on, nearest
from enrolment.placement_views import project
from enrolment.take import Take
from renderer.head.model import Part
from renderer.head.open_head import load_open_head
from renderer.head.pose import pose_vertices, rotation_matrix
from tests.support.known_heads import known_shape, known_take


def reprojection(take: Take, shape) -> float:
    """Root of the mean squared landmark error, shares of the distance of the eyes."""
    head, errors = load_open_head(), []
    for index in take.train_indices:
        posed = pose_vertices(head, shape.astype(np.float32), take.params(int(index)))
        seen = take.landmarks_px[index, :MESH_LANDMARKS]
        error = project(landmarks_on(head, posed), take.K)[:MESH_LANDMARKS] - seen
        errors.append(error / np.linalg.norm(seen[33] - seen[263]))
    return float(np.sqrt((np.array(errors) ** 2).sum(axis=2).mean()))


def turned(take: Take, turn: Turn) -> Take:
    """What a tracker says that is constantly off by `turn`."""
    vectors = [turn.then_pose(take.params(index)).to_vector() for index in range(len(take))]
    return replace(take, vectors=np.array(vectors))


def test_the_shaped_head_fits_the_landmarks_far_better():
    take = known_take(24)
    before = reprojection(take, np.zeros_like(load_open_head().v_template))
    assert reprojection(take, fit_identity(take, load_open_head()).shape_offsets) < 0.1 * before


def test_the_nose_is_as_long_as_it_is():
    head = load_open_head()
    found = landmarks_on(head, fit_identity(known_take(24), head).shape_offsets)
    told = landmarks_on(head, known_shape())
    np.testing.assert_allclose((found - found[6])[1], (told - told[6])[1], atol=2.5e-3)


def test_what_the_tracker_is_constantly_off_by_becomes_part_of_the_shape():
    bias = Turn(rotation_matrix(np.array([0.0, 0.08, 0.0])), np.array([0.002, 0.0, 0.0]))
    take = turned(known_take(24), bias.inverse())
    identity = fit_identity(take, load_open_head())
    np.testing.assert_allclose(rotation_vector(identity.bias.rotation), [0, 0.08, 0], atol=0.02)
    assert reprojection(take, identity.shape_offsets) < 0.6 * reprojection(take, known_shape())


def test_a_single_wrong_pose_is_put_right():
    take = known_take(24)
    wrong = Turn(rotation_matrix(np.array([0.0, 0.1, 0.0])), np.zeros(3))
    vectors = take.vectors.copy()
    vectors[5] = wrong.then_pose(take.params(5)).to_vector()
    identity = fit_identity(replace(take, vectors=vectors), load_open_head())
    better = identity.params(replace(take, vectors=vectors), 5)
    off = rotation_matrix(take.params(5).global_rotation).T @ rotation_matrix(better.global_rotation)
    assert np.linalg.norm(rotation_vector(off)) < 0.03


def test_a_face_is_mirror_symmetric_and_its_eyeballs_stay_balls():
    head = load_open_head()
    identity = fit_identity(known_take(24), head)
    offsets = identity.landmark_offsets
    marks = landmarks_on(head, head.v_template)[:MESH_LANDMARKS]
    mirror = nearest(marks, marks * [-1, 1, 1], 1)[0][:, 0]
    np.testing.assert_allclose(offsets[mirror], offsets * [-1, 1, 1], atol=1e-4)
    ball = head.parts == Part.LEFT_EYE
    shaped = (head.v_template + identity.shape_offsets)[ball]
    sizes = [np.linalg.norm(points - points.mean(axis=0), axis=1) for points in (head.v_template[ball], shaped)]
    np.testing.assert_allclose(sizes[1] / sizes[0], sizes[1][0] / sizes[0][0], atol=1e-3)


@pytest.mark.parametrize("part", [Part.UPPER_TEETH, Part.LOWER_TEETH])
def test_teeth_stay_behind_the_lips(part):
    head = load_open_head()
    shaped = head.v_template + fit_identity(known_take(24), head).shape_offsets
    assert shaped[head.parts == part, 2].max() < landmarks_on(head, shaped)[13, 2] - 0.003


def test_one_picture_will_do():
    take = known_take(24)
    one = {name: getattr(take, name)[[4]] for name in ("images", "alphas", "time_s", "vectors", "landmarks_px")}
    one = replace(take, **one, scores=take.scores[[4]], held_out=take.held_out[[4]])
    head = load_open_head()
    zero = np.zeros_like(head.v_template)
    assert reprojection(one, fit_identity(one, head).shape_offsets) < 0.6 * reprojection(one, zero)
