"""Profile `paper`: where the network's Gaussians go, and which avatars are refused."""

from dataclasses import replace

import numpy as np
import pytest

from codec.paper_avatar import CONDITION_SIZE, ENCODED_SIZE, OUTPUT_SIZE, DenseLayer, PaperAvatar
from codec.params import FaceParams
from renderer.avatar.avatar_model import MAX_SCALE_M, MAX_SPLAT_AREA_M2
from renderer.avatar.paper_model import PaperAvatarModel, condition_vector, encode_positions, splat_area
from renderer.backends.reference import rotation_matrices
from renderer.errors import AvatarMismatchError
from renderer.head.open_head import load_open_head
from renderer.head.pose import pose_vertices, rotation_matrix
from visavis.bench.synthetic_paper import synthetic_paper_avatar, zero_network

HEAD = load_open_head()
NEUTRAL = FaceParams.neutral()
NOT_TURNED = np.tile(np.float32([1, 0, 0, 0]), (120, 1))


def small_avatar(**changes) -> PaperAvatar:
    return replace(synthetic_paper_avatar(HEAD, 120, hidden_layers=2, width=32), **changes)


def constant_network(*output: float) -> tuple[DenseLayer, ...]:
    """A network that says the same of every Gaussian, after the tanh."""
    *hidden, last = zero_network(1, 4)
    return (*hidden, DenseLayer(last.weights, np.arctanh(np.array(output)).astype(np.float32)))


def moving(**changes) -> FaceParams:
    params = FaceParams(
        expression=np.random.default_rng(7).normal(0, 1, 50),
        global_rotation=np.array([0.1, 0.4, -0.1]),
        translation=np.array([0.05, -0.02, 0.7]),
        jaw_pose=np.array([0.2, 0.02, 0]),
        eyelids=np.array([0.9, 0.1]),
        gaze=np.array([0.2, 0.1, 0.15, 0.1]),
    )
    return replace(params, **changes)


def bound_points(asset: PaperAvatar, params: FaceParams) -> np.ndarray:
    corners = pose_vertices(HEAD, asset.shape_offsets, params)[HEAD.faces[asset.faces_bound]]
    return np.einsum("nk,nkc->nc", asset.barycentrics, corners)


def test_the_network_has_the_published_size() -> None:
    asset = synthetic_paper_avatar(HEAD, 10)
    assert asset.parameter_count == 375_562
    assert synthetic_paper_avatar(HEAD, 10, hidden_layers=4).parameter_count == 243_978  # the paper's, pruned
    assert asset.layers[0].weights.shape == (171, 256)
    assert synthetic_paper_avatar(HEAD).count == 13_453


def test_a_network_of_zeros_leaves_gaussians_on_the_mesh() -> None:
    asset = small_avatar(layers=zero_network(2, 32))
    straight = moving(global_rotation=np.zeros(3))
    cloud = PaperAvatarModel(HEAD, asset).pose(straight)
    np.testing.assert_allclose(cloud.means, bound_points(asset, straight), atol=1e-6)
    np.testing.assert_allclose(cloud.scales, np.exp(asset.log_scales), rtol=1e-5)
    expected = np.diag([1.0, -1.0, -1.0]) @ rotation_matrices(asset.quats.astype(float))
    np.testing.assert_allclose(rotation_matrices(cloud.quats.astype(float)), expected, atol=1e-6)


def test_the_whole_bust_turns_with_the_skull() -> None:
    model = PaperAvatarModel(HEAD, small_avatar())
    straight, turned = model.pose(moving(global_rotation=np.zeros(3), translation=np.zeros(3))), model.pose(moving())
    flip = np.diag([1.0, -1.0, -1.0])
    turn = flip @ rotation_matrix(moving().global_rotation) @ flip
    np.testing.assert_allclose(turned.means, straight.means @ turn.T + moving().translation, atol=1e-6)
    axes = turn @ rotation_matrices(straight.quats.astype(float))
    np.testing.assert_allclose(rotation_matrices(turned.quats.astype(float)), axes, atol=1e-5)
    np.testing.assert_array_equal(turned.scales, straight.scales)


def test_harmonics_stand_in_the_head_frame() -> None:
    cloud = PaperAvatarModel(HEAD, small_avatar()).pose(moving())
    assert cloud.sh_rest is not None
    assert cloud.sh_from_world is not None
    nose = np.diag([1.0, -1.0, -1.0]) @ rotation_matrix(moving().global_rotation) @ [0, 0, 1]  # in the world
    np.testing.assert_allclose(cloud.sh_from_world @ nose, [0, 0, 1], atol=1e-6)


def test_displacements_are_metres_in_the_head_frame() -> None:
    asset = small_avatar(layers=constant_network(0.01, 0.02, -0.03, *[0.0] * 7))
    cloud = PaperAvatarModel(HEAD, asset).pose(NEUTRAL)
    np.testing.assert_allclose(cloud.means - bound_points(asset, NEUTRAL), [[0.01, -0.02, 0.03]] * 120, atol=1e-6)


def test_rotations_act_in_the_axes_of_the_gaussian() -> None:
    asset = small_avatar(layers=constant_network(0, 0, 0, 0, 0, 0, 0.5, 0, 0, 0))  # (1, 0, 0, 1/2): about its z
    cloud = PaperAvatarModel(HEAD, asset).pose(NEUTRAL)
    base = np.diag([1.0, -1.0, -1.0]) @ rotation_matrices(asset.quats.astype(float))
    turn = rotation_matrix(np.array([0, 0, 2 * np.arctan(0.5)]))
    np.testing.assert_allclose(rotation_matrices(cloud.quats.astype(float)), base @ turn, atol=1e-5)


def test_the_first_number_of_the_quaternion_is_an_exponent() -> None:
    asset = small_avatar(quats=NOT_TURNED, layers=constant_network(0, 0, 0, 0.3, 0.4, 0, 0, 0, 0, 0))
    cloud = PaperAvatarModel(HEAD, asset).pose(NEUTRAL)
    turn = rotation_matrix(np.array([2 * np.arctan(0.4 / np.exp(0.3)), 0, 0]))
    expected = np.tile(np.diag([1.0, -1.0, -1.0]) @ turn, (120, 1, 1))
    np.testing.assert_allclose(rotation_matrices(cloud.quats.astype(float)), expected, atol=1e-5)


def test_scales_are_raised_to_a_power() -> None:
    asset = small_avatar(layers=constant_network(*[0.0] * 7, 0.2, -0.2, 0))
    cloud = PaperAvatarModel(HEAD, asset).pose(NEUTRAL)
    powers = np.exp([0.2, -0.2, 0])
    np.testing.assert_allclose(cloud.scales, np.exp(asset.log_scales) ** powers, rtol=1e-5)


def test_gaussians_that_grow_too_large_are_shrunk_together() -> None:
    large = np.tile(np.log(np.float32([0.09, 0.3, 0.01])), (120, 1))
    model = PaperAvatarModel(HEAD, small_avatar(log_scales=large, layers=zero_network(1, 4)))
    few = PaperAvatarModel(HEAD, replace(model.asset, **first(model.asset, 20)))
    np.testing.assert_allclose(few.pose(NEUTRAL).scales, [[0.09, MAX_SCALE_M, 0.01]] * 20, rtol=1e-5)
    many = PaperAvatarModel(HEAD, replace(model.asset, **repeated(model.asset, 20))).pose(NEUTRAL).scales
    assert splat_area(many) == pytest.approx(MAX_SPLAT_AREA_M2, rel=1e-4)
    np.testing.assert_allclose(many / many[0, 0], np.tile([1, MAX_SCALE_M / 0.09, 1 / 9], (2400, 1)), rtol=1e-4)


PER_GAUSSIAN = ("faces_bound", "barycentrics", "log_scales", "quats", "logit_opacities", "sh0", "sh_rest")


def first(asset: PaperAvatar, count: int) -> dict[str, np.ndarray]:
    return {name: getattr(asset, name)[:count] for name in PER_GAUSSIAN}


def repeated(asset: PaperAvatar, times: int) -> dict[str, np.ndarray]:
    return {name: np.concatenate([getattr(asset, name)] * times) for name in PER_GAUSSIAN}


def test_positions_are_encoded_as_documented() -> None:
    encoded = encode_positions(np.float32([[0.1, -0.2, 0.3]]))[0]
    assert encoded.shape == (ENCODED_SIZE,)
    np.testing.assert_allclose(encoded[:3], [0.1, -0.2, 0.3], rtol=1e-6)
    np.testing.assert_allclose(encoded[3:6], np.sin([0.1, -0.2, 0.3]), rtol=1e-6)
    np.testing.assert_allclose(encoded[-3:], np.cos(128 * np.float32([0.1, -0.2, 0.3])), rtol=1e-5)


def test_conditions_name_what_the_face_does() -> None:
    rest = condition_vector(NEUTRAL)
    assert rest.shape == (CONDITION_SIZE,)
    np.testing.assert_array_equal(np.flatnonzero(rest), [100, 104, 106, 110, 112, 116])  # three identities, two rows
    few = condition_vector(replace(NEUTRAL, expression=np.arange(1, 11)))
    np.testing.assert_array_equal(few[:12], [*range(1, 11), 0, 0])
    moved = condition_vector(moving())
    np.testing.assert_allclose(moved[100:106], rotation_matrix(moving().jaw_pose)[:2].ravel())
    np.testing.assert_allclose(moved[118:], [0.9, 0.1], rtol=1e-6)
    left, right = moved[106:112], moved[112:118]
    assert left[2] > right[2] > 0  # sin(yaw): both eyes look to the person's left, the left eye further


def spoiled(field: str, value: float) -> PaperAvatar:
    array = getattr(small_avatar(), field).copy()
    array.reshape(-1)[5] = value
    return small_avatar(**{field: array})


def spoiled_network(layer: int, field: str, array: np.ndarray) -> PaperAvatar:
    layers = list(small_avatar().layers)
    layers[layer] = replace(layers[layer], **{field: array})
    return small_avatar(layers=tuple(layers))


@pytest.mark.parametrize(
    ("asset", "message"),
    [
        (small_avatar(head_model_id="0" * 64), "made for head model 000000000000"),
        (replace(small_avatar(), **repeated(small_avatar(), 140)), "16800 Gaussians exceed 16384"),
        (spoiled("faces_bound", len(HEAD.faces)), "faces_bound refers to a triangle outside"),
        (spoiled("faces_bound", -1), "faces_bound refers to a triangle outside"),
        (spoiled("barycentrics", 0.9), "barycentrics are not weights"),
        (spoiled("quats", 3.0), "quats holds a quaternion that is not unit"),
        (spoiled("log_scales", np.inf), "log_scales holds a number that is not finite"),
        (spoiled("log_scales", 1e30), "log_scales exceeds"),
        (spoiled("logit_opacities", np.nan), "logit_opacities holds"),
        (spoiled("sh0", 1e9), "sh0 exceeds"),
        (spoiled("sh_rest", 1e9), "sh_rest exceeds"),
        (spoiled("sh_rest", np.nan), "sh_rest holds"),
        (spoiled("shape_offsets", np.nan), "shape_offsets holds"),
        (spoiled("shape_offsets", 2.0), "shape_offsets exceeds"),
        (small_avatar(sh_rest=np.zeros((120, 5, 3), np.float32)), r"sh_rest has shape \(120, 5, 3\)"),
        (small_avatar(sh_rest=np.zeros((120, 15), np.float32)), r"sh_rest has shape \(120, 15\)"),
        (small_avatar(sh_rest=np.zeros((9, 15, 3), np.float32)), r"sh_rest has shape \(9, 15, 3\)"),
        (small_avatar(quats=np.zeros((120, 3), np.float32)), "quats has shape"),
        (small_avatar(layers=()), "-1 hidden layers"),
        (small_avatar(layers=zero_network(0, 8)), "0 hidden layers"),
        (small_avatar(layers=zero_network(7, 8)), "7 hidden layers"),
        (small_avatar(layers=zero_network(1, 257)), "layer 0 of the network has 257 outputs"),
        (small_avatar(layers=zero_network(1, 0)), "layer 0 of the network has 0 outputs"),
        (spoiled_network(0, "weights", np.zeros((170, 32), np.float32)), "weights of layer 0 has shape"),
        (spoiled_network(1, "weights", np.zeros((31, 32), np.float32)), "weights of layer 1 has shape"),
        (spoiled_network(1, "weights", np.full((32, 32), np.nan, np.float32)), "weights of layer 1 holds"),
        (spoiled_network(1, "weights", np.full((32, 32), 1e9, np.float32)), "weights of layer 1 exceeds"),
        (spoiled_network(1, "bias", np.zeros((32, 1), np.float32)), "layer 1 of the network has 0 outputs"),
        (spoiled_network(2, "bias", np.zeros(OUTPUT_SIZE + 1, np.float32)), "bias of layer 2 has shape"),
        (spoiled_network(2, "bias", np.full(OUTPUT_SIZE, np.inf, np.float32)), "bias of layer 2 holds"),
    ],
)
def test_avatars_that_do_not_fit_are_refused(asset: PaperAvatar, message: str) -> None:
    with pytest.raises(AvatarMismatchError, match=message):
        PaperAvatarModel(HEAD, asset)
