from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from codec.params import EXPRESSION_DIMS, FaceParams
from renderer.head.model import JOINT_PARENTS, HeadModel, Part
from renderer.head.open_head import load_open_head
from renderer.head.pose import FLIP, joint_transforms, pose_vertices, rotation_matrix, torso_rotation

HEAD = load_open_head()
REST = np.zeros_like(HEAD.v_template)


def random_params(seed: int, dims: int = 50) -> FaceParams:
    generator = np.random.default_rng(seed)
    return FaceParams(
        expression=generator.normal(size=dims),
        global_rotation=generator.normal(size=3) * 0.4,
        translation=generator.normal(size=3) * 0.1 + [0, 0, 0.7],
        jaw_pose=generator.normal(size=3) * 0.15,
        eyelids=generator.uniform(size=2),
        gaze=generator.normal(size=4) * 0.3,
        torso=generator.normal(size=6) * np.repeat([0.2, 0.05], 3),
    )


def slow_reference(head: HeadModel, offsets: NDArray[np.float32], params: FaceParams) -> NDArray[np.float64]:
    """Linear blend skinning as in the FLAME paper, joint by joint and vertex by vertex, in float64."""
    shaped = (head.v_template + offsets).astype(np.float64)
    joints = head.J_regressor.astype(np.float64) @ shaped
    skull = rotation_matrix(params.global_rotation)
    torso = rotation_matrix(params.torso[:3]) @ torso_rotation(skull)
    local = [torso, torso.T @ skull, rotation_matrix(params.jaw_pose)]
    for yaw, pitch in (params.gaze[:2], params.gaze[2:]):
        turn = rotation_matrix(np.array([0.0, yaw, 0.0]))
        local.append(turn @ rotation_matrix(np.array([-pitch, 0.0, 0.0])))
    world: list[NDArray[np.float64]] = []  # 4 x 4 chain of each joint, root first
    for joint, parent in enumerate(JOINT_PARENTS):
        link = np.eye(4)
        link[:3, :3] = local[joint]
        link[:3, 3] = joints[joint] - (joints[parent] if parent >= 0 else 0.0)
        world.append(link if parent < 0 else world[parent] @ link)
    # The chain hangs from the root; the contract hangs it from the skull, where X lands at R X + t.
    shifts = np.tile(skull @ joints[1] - world[1][:3, 3], (len(world), 1))
    shifts[0] += params.torso[3:] * [1.0, -1.0, -1.0]
    features = np.concatenate([(rotation - np.eye(3)).ravel() for rotation in local[1:]])
    result = np.zeros_like(shaped)
    for vertex in range(len(shaped)):
        point = shaped[vertex].copy()
        point += head.expressiondirs[vertex, :, : len(params.expression)].astype(np.float64) @ params.expression
        point += features @ head.posedirs[:, vertex].astype(np.float64)
        point += params.eyelids @ head.eyelid_dirs[:, vertex].astype(np.float64)
        for joint, weight in enumerate(head.lbs_weights[vertex]):
            moved = world[joint][:3, :3] @ (point - joints[joint]) + world[joint][:3, 3] + shifts[joint]
            result[vertex] += weight * moved
    return result * [1.0, -1.0, -1.0] + params.translation


@pytest.mark.parametrize(("seed", "dims"), [(0, 50), (1, 10), (2, 30)])
def test_equals_the_slow_reference(seed: int, dims: int) -> None:
    params = random_params(seed, dims)
    offsets = np.random.default_rng(seed).normal(size=REST.shape).astype(np.float32) * 1e-3
    posed = pose_vertices(HEAD, offsets, params)
    assert posed.dtype == np.float32
    np.testing.assert_allclose(posed, slow_reference(HEAD, offsets, params), atol=2e-6)


@pytest.mark.parametrize("dims", EXPRESSION_DIMS)
def test_neutral_pose_is_the_template_in_front_of_the_lens(dims: int) -> None:
    posed = pose_vertices(HEAD, REST, FaceParams.neutral(dims, distance_m=0.8))
    np.testing.assert_allclose(posed, HEAD.v_template @ FLIP.T + [0, 0, 0.8], atol=1e-6)


def test_shape_offsets_move_the_vertices_and_stay_untouched() -> None:
    offsets = np.full_like(REST, 0.01)
    before = offsets.copy()
    posed = pose_vertices(HEAD, offsets, FaceParams.neutral())
    np.testing.assert_allclose(posed, (HEAD.v_template + 0.01) @ FLIP.T + [0, 0, 0.6], atol=1e-6)
    assert (offsets == before).all()


def test_skull_moves_exactly_as_the_parameters_say() -> None:
    params = FaceParams(
        expression=np.zeros(50),
        global_rotation=np.array([0.2, -0.7, 0.1]),
        translation=np.array([0.05, -0.02, 0.9]),
        jaw_pose=np.zeros(3),
        eyelids=np.zeros(2),
        gaze=np.zeros(4),
    )
    skull = HEAD.lbs_weights[:, [0, 2]].sum(axis=1) == 0
    assert skull.sum() > 2500
    expected = HEAD.v_template @ (FLIP @ rotation_matrix(params.global_rotation)).T + params.translation
    np.testing.assert_allclose(pose_vertices(HEAD, REST, params)[skull], expected[skull], atol=1e-6)


@pytest.mark.parametrize(("axis", "share"), [(0, 0.15), (1, 0.25), (2, 0.3)])
def test_shoulders_take_their_share_of_a_turn(axis: int, share: float) -> None:
    turn = np.zeros(3)
    turn[axis] = 0.6
    np.testing.assert_allclose(torso_rotation(rotation_matrix(turn)), rotation_matrix(share * turn), atol=1e-9)


def test_shoulders_and_skull_agree_at_the_neck() -> None:
    params = replace(random_params(3), torso=np.array([0.1, -0.2, 0.05, 0, 0, 0]))
    rotations, translations = joint_transforms(HEAD, REST, params)
    neck = HEAD.J_regressor[1].astype(np.float64) @ HEAD.v_template
    np.testing.assert_allclose(rotations[0] @ neck + translations[0], rotations[1] @ neck + translations[1], atol=1e-9)
    np.testing.assert_allclose(rotations[1], FLIP @ rotation_matrix(params.global_rotation), atol=1e-9)
    np.testing.assert_allclose(rotations @ rotations.transpose(0, 2, 1), np.tile(np.eye(3), (5, 1, 1)), atol=1e-9)


def test_a_still_torso_leaves_the_shoulders_to_the_skull() -> None:
    params = replace(random_params(4), torso=np.zeros(6))
    rotations, _ = joint_transforms(HEAD, REST, params)
    np.testing.assert_array_equal(rotations[0], FLIP @ torso_rotation(rotation_matrix(params.global_rotation)))


def test_the_torso_moves_the_shoulders_in_the_stated_frames_and_nothing_else() -> None:
    still = replace(random_params(5), torso=np.zeros(6))
    shifted = replace(still, torso=np.array([0, 0, 0, 0.03, -0.02, 0.01]))
    before, after = (pose_vertices(HEAD, REST, params) for params in (still, shifted))
    chest, skull = HEAD.lbs_weights[:, 0] == 1, HEAD.lbs_weights[:, 0] == 0
    assert chest.sum() > 200
    np.testing.assert_allclose(after[chest] - before[chest], np.tile(shifted.torso[3:], (chest.sum(), 1)), atol=1e-6)
    np.testing.assert_array_equal(after[skull], before[skull])
    turn = np.array([0.1, 0.2, -0.3])
    turned, _ = joint_transforms(HEAD, REST, replace(still, torso=np.concatenate([turn, np.zeros(3)])))
    straight, _ = joint_transforms(HEAD, REST, still)
    np.testing.assert_allclose(turned[0], FLIP @ rotation_matrix(turn) @ FLIP @ straight[0], atol=1e-7)
    np.testing.assert_array_equal(turned[1:], straight[1:])


@pytest.mark.parametrize(("part", "first"), [(Part.LEFT_EYE, 0), (Part.RIGHT_EYE, 2)])
def test_gaze_turns_each_eyeball_about_its_center(part: Part, first: int) -> None:
    gaze = np.zeros(4)
    gaze[first : first + 2] = 0.3, 0.2  # to the person's left, up
    neutral = FaceParams.neutral()
    params = FaceParams(neutral.expression, np.zeros(3), np.zeros(3), np.zeros(3), np.zeros(2), gaze)
    posed = pose_vertices(HEAD, REST, params) @ FLIP
    ball = part == HEAD.parts
    center = (HEAD.v_template[ball].min(axis=0) + HEAD.v_template[ball].max(axis=0)) / 2
    front = np.flatnonzero(ball)[HEAD.v_template[ball, 2].argmax()]
    before, after = HEAD.v_template[front] - center, posed[front] - center
    turned = rotation_matrix(np.array([0.0, 0.3, 0.0])) @ rotation_matrix(np.array([-0.2, 0.0, 0.0])) @ before
    np.testing.assert_allclose(after, turned, atol=1e-5)
    assert after[0] > before[0]
    assert after[1] > before[1]
    other = HEAD.parts == (Part.RIGHT_EYE if part == Part.LEFT_EYE else Part.LEFT_EYE)
    np.testing.assert_allclose(posed[other], HEAD.v_template[other], atol=1e-6)


def test_opening_the_jaw_turns_the_lower_teeth_and_parts_the_lips() -> None:
    angle = 0.3
    neutral = FaceParams.neutral()
    jaw = np.array([angle, 0.0, 0.0])
    params = FaceParams(neutral.expression, np.zeros(3), np.zeros(3), jaw, np.zeros(2), np.zeros(4))
    posed = pose_vertices(HEAD, REST, params) @ FLIP
    joint = HEAD.J_regressor[2] @ HEAD.v_template
    teeth = HEAD.parts == Part.LOWER_TEETH
    turned = (HEAD.v_template[teeth] - joint) @ rotation_matrix(jaw).T + joint
    np.testing.assert_allclose(posed[teeth], turned, atol=1e-5)
    upper = HEAD.parts == Part.UPPER_TEETH
    np.testing.assert_allclose(posed[upper], HEAD.v_template[upper], atol=1e-6)
    inner_lips = (posed[HEAD.faces[HEAD.landmark_faces[[13, 14]]]] * HEAD.landmark_barycentrics[[13, 14], :, None]).sum(
        1
    )
    assert inner_lips[0, 1] - inner_lips[1, 1] > 0.015


def test_rotation_matrix_is_a_rotation_at_every_angle() -> None:
    for angle in (0.0, 1e-9, 1e-3, 1.0, np.pi):
        turn = rotation_matrix(angle * np.array([0.6, 0.0, 0.8]))
        np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
        assert np.trace(turn) == pytest.approx(1 + 2 * np.cos(angle))
