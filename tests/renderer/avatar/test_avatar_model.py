"""An avatar on its head: where Gaussians go, and which avatars are refused."""

from dataclasses import replace

import numpy as np
import pytest

from codec.avatar_asset import AvatarAsset
from codec.params import FaceParams
from renderer.avatar.avatar_model import AvatarModel, full_vector, sample_grid, triangle_frames
from renderer.avatar.rotations import quat_from_matrix, quat_from_rotation_vector, quat_multiply
from renderer.backends.reference import rotation_matrices
from renderer.errors import AvatarMismatchError
from renderer.head.open_head import load_open_head
from renderer.head.pose import pose_vertices, rotation_matrix
from visavis.bench.synthetic import synthetic_avatar

HEAD = load_open_head()
NEUTRAL = FaceParams.neutral()


def small_avatar(count: int = 200, bases: int = 0, **changes) -> AvatarAsset:
    return replace(synthetic_avatar(HEAD, count, bases), **changes)


def moving(**changes) -> FaceParams:
    rng = np.random.default_rng(7)
    params = FaceParams(
        expression=rng.normal(0, 1, 50),
        global_rotation=np.array([0.1, 0.4, -0.1]),
        translation=np.array([0.05, -0.02, 0.7]),
        jaw_pose=np.array([0.2, 0.02, 0]),
        eyelids=np.array([0.9, 0.1]),
        gaze=np.array([0.2, 0.1, 0.15, 0.1]),
    )
    return replace(params, **changes)


def test_gaussians_without_offset_sit_on_the_posed_mesh() -> None:
    asset = small_avatar(local_means=np.zeros((200, 3), np.float32), rigid_to_skull=np.zeros(200, bool))
    cloud = AvatarModel(HEAD, asset).pose(moving())
    corners = pose_vertices(HEAD, asset.shape_offsets, moving())[HEAD.faces[asset.faces_bound]]
    np.testing.assert_allclose(cloud.means, np.einsum("nk,nkc->nc", asset.barycentrics, corners), atol=1e-6)


def test_offsets_and_axes_turn_with_the_triangle() -> None:
    along_normal = np.tile(np.float32([0, 0, 0.01]), (200, 1))
    asset = small_avatar(rigid_to_skull=np.zeros(200, bool), local_quats=np.tile(np.float32([1, 0, 0, 0]), (200, 1)))
    corners = pose_vertices(HEAD, asset.shape_offsets, moving())[HEAD.faces[asset.faces_bound]]
    edge = corners[:, 1] - corners[:, 0]
    normal = np.cross(edge, corners[:, 2] - corners[:, 0])
    low = AvatarModel(HEAD, replace(asset, local_means=0 * along_normal)).pose(moving())
    high = AvatarModel(HEAD, replace(asset, local_means=along_normal)).pose(moving())
    unit_normal = normal / np.linalg.norm(normal, axis=1, keepdims=True)
    np.testing.assert_allclose(high.means - low.means, 0.01 * unit_normal, atol=1e-6)
    axes = rotation_matrices(high.quats.astype(float))
    np.testing.assert_allclose(axes[:, :, 2], unit_normal, atol=1e-5)
    np.testing.assert_allclose(axes[:, :, 0], edge / np.linalg.norm(edge, axis=1, keepdims=True), atol=1e-5)


def test_rigid_gaussians_know_the_skull_only() -> None:
    model = AvatarModel(HEAD, small_avatar(bases=4, rigid_to_skull=np.ones(200, bool)))
    rest, moved = model.pose(NEUTRAL), model.pose(moving())
    still = model.pose(replace(moving(), expression=np.zeros(50), jaw_pose=np.zeros(3), eyelids=np.zeros(2)))
    np.testing.assert_array_equal(moved.means, still.means)
    np.testing.assert_array_equal(moved.colors, rest.colors)
    flip = np.diag([1.0, -1.0, -1.0])
    turn = flip @ rotation_matrix(moving().global_rotation) @ flip
    expected = (rest.means - NEUTRAL.translation) @ turn.T + moving().translation
    np.testing.assert_allclose(moved.means, expected, atol=1e-6)


def test_a_basis_adds_its_share_of_position_rotation_and_color() -> None:
    grid = np.zeros((1, 9, 2, 2), np.float16)
    grid[0, :, :, :] = np.array([0.004, 0, 0, 0, 0, 0.5, 0, 0, 1])[:, None, None]
    weights = np.zeros((1, 65), np.float32)
    weights[0, 3] = 2.0  # follows the fourth expression coefficient
    rigid = np.zeros(200, bool)
    plain = AvatarModel(HEAD, small_avatar(rigid_to_skull=rigid))
    based = AvatarModel(HEAD, small_avatar(rigid_to_skull=rigid, basis_grid=grid, basis_weights=weights))
    params = replace(NEUTRAL, expression=np.eye(50)[3] * 0.25)  # coefficient 0.5
    before, after = plain.pose(params), based.pose(params)
    frames = triangle_frames(pose_vertices(HEAD, plain.asset.shape_offsets, params)[plain.corners])
    np.testing.assert_allclose(after.means - before.means, 0.002 * frames[:, :, 0], atol=2e-6)
    np.testing.assert_allclose((after.colors - before.colors)[:, 2], 0.5 * 0.28209479, atol=1e-5)
    turn = rotation_matrices(quat_from_rotation_vector(np.array([[0, 0, 0.25]])))
    local = np.linalg.solve(frames.astype(float), rotation_matrices(after.quats.astype(float)))
    np.testing.assert_allclose(
        local, turn @ np.linalg.solve(frames.astype(float), rotation_matrices(before.quats.astype(float))), atol=2e-4
    )


def test_expression_that_the_sender_lacks_is_zero() -> None:
    model = AvatarModel(HEAD, small_avatar(bases=3))
    few = moving(expression=np.ones(10))
    many = moving(expression=np.concatenate([np.ones(10), np.zeros(40)]))
    np.testing.assert_array_equal(full_vector(few), full_vector(many))
    np.testing.assert_allclose(model.pose(few).means, model.pose(many).means, atol=1e-6)


def test_grid_samples_hit_the_points_and_mix_linearly_between_them() -> None:
    grid = np.arange(2 * 9 * 3 * 3, dtype=np.float16).reshape(2, 9, 3, 3)
    samples = sample_grid(grid, np.float32([[0, 0], [1, 0], [0, 1], [1, 1], [0.5, 0.5], [0.25, 0], [2, -1]]))
    corners = [grid[1, 4, row, column] for row, column in ((0, 0), (0, 2), (2, 0), (2, 2), (1, 1))]
    expected = [*corners, (float(grid[1, 4, 0, 0]) + float(grid[1, 4, 0, 1])) / 2, grid[1, 4, 0, 2]]
    np.testing.assert_allclose(samples[1, 4], np.float32(expected))


def test_quaternions_agree_with_matrices() -> None:
    rng = np.random.default_rng(0)
    vectors = np.concatenate([rng.normal(0, 2, (200, 3)), np.eye(3) * np.pi, np.zeros((1, 3))])
    matrices = np.stack([rotation_matrix(vector) for vector in vectors])
    quats = quat_from_rotation_vector(vectors)
    np.testing.assert_allclose(rotation_matrices(quats), matrices, atol=1e-12)
    np.testing.assert_allclose(np.abs(np.sum(quat_from_matrix(matrices) * quats, axis=1)), 1, atol=1e-12)
    products = rotation_matrices(quat_multiply(quats[:-1], quats[1:]))
    np.testing.assert_allclose(products, matrices[:-1] @ matrices[1:], atol=1e-12)


def spoiled(field: str, value: float, bases: int = 2) -> AvatarAsset:
    array = getattr(small_avatar(bases=bases), field).copy()
    array.reshape(-1)[5] = value
    return small_avatar(bases=bases, **{field: array})


@pytest.mark.parametrize(
    ("asset", "message"),
    [
        (small_avatar(head_model_id="0" * 64), "made for head model 000000000000"),
        (spoiled("faces_bound", len(HEAD.faces)), "faces_bound refers to a triangle outside"),
        (spoiled("faces_bound", -1), "faces_bound refers to a triangle outside"),
        (spoiled("barycentrics", 0.9), "barycentrics are not weights"),
        (spoiled("local_means", np.nan), "local_means holds a number that is not finite"),
        (spoiled("local_means", 2.0), "local_means exceeds"),
        (spoiled("local_quats", 3.0), "local_quats holds a quaternion that is not unit"),
        (spoiled("log_scales", np.inf), "log_scales holds a number that is not finite"),
        (spoiled("logit_opacities", np.nan), "logit_opacities holds"),
        (spoiled("sh0", 1e9), "sh0 exceeds"),
        (spoiled("shape_offsets", np.nan), "shape_offsets holds"),
        (spoiled("grid_uv", np.nan), "grid_uv holds"),
        (spoiled("basis_grid", np.inf), "basis_grid holds"),
        (spoiled("basis_weights", np.nan), "basis_weights holds"),
        (small_avatar(shape_offsets=np.zeros((5, 3), np.float32)), "shape_offsets has shape"),
        (small_avatar(basis_weights=np.zeros((1, 65), np.float32)), "basis_weights has shape"),
        (small_avatar(rigid_to_skull=np.zeros(3, bool)), "rigid_to_skull has shape"),
        (small_avatar(basis_grid=np.zeros((65, 9, 1, 1), np.float16)), "65 bases exceed"),
        (small_avatar(2000, log_scales=np.full((2000, 3), 9.0, np.float32)), "cover 565 m"),
    ],
)
def test_avatars_that_do_not_fit_are_refused(asset: AvatarAsset, message: str) -> None:
    with pytest.raises(AvatarMismatchError, match=message):
        AvatarModel(HEAD, asset)
