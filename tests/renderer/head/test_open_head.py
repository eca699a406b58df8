from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from codec.params import MAX_EXPRESSION, FaceParams
from renderer.head import draw
from renderer.head.model import Part
from renderer.head.open_head import load_open_head
from renderer.head.pose import FLIP, pose_vertices
from renderer.head.storage import ARRAY_TYPES, POSING_ARRAYS, head_model_id

HEAD = load_open_head()
REST = np.zeros_like(HEAD.v_template)
V, F = len(HEAD.v_template), len(HEAD.faces)
IRISES = {Part.RIGHT_EYE: range(468, 473), Part.LEFT_EYE: range(473, 478)}


def posed(**scores: float) -> NDArray[np.float32]:
    """Head-frame vertices under blendshape scores."""
    vector = FaceParams.neutral().to_vector()
    for name, score in scores.items():
        vector = vector + score * HEAD.blendshape_params[HEAD.blendshape_names.index(name)]
    vector[MAX_EXPRESSION + 3 : MAX_EXPRESSION + 6] = 0.0
    return pose_vertices(HEAD, REST, FaceParams.from_vector(vector)) @ FLIP.astype(np.float32)


def landmarks(vertices: NDArray[np.float32]) -> NDArray[np.float32]:
    return (vertices[HEAD.faces[HEAD.landmark_faces]] * HEAD.landmark_barycentrics[..., None]).sum(axis=1)


def mirror_vertices() -> NDArray[np.int64]:
    keys = np.round(HEAD.v_template * 1e5).astype(int)
    place = {tuple(row): index for index, row in enumerate(keys.tolist())}
    return np.array([place[(-x, y, z)] for x, y, z in keys.tolist()])


def test_arrays_have_the_shapes_and_types_of_the_interface() -> None:
    shapes: dict[str, tuple[int, ...]] = {
        "v_template": (V, 3),
        "faces": (F, 3),
        "expressiondirs": (V, 3, MAX_EXPRESSION),
        "posedirs": (36, V, 3),
        "eyelid_dirs": (2, V, 3),
        "J_regressor": (5, V),
        "lbs_weights": (V, 5),
        "parts": (V,),
        "uv": (len(HEAD.uv), 2),
        "uv_faces": (F, 3),
        "landmark_faces": (478,),
        "landmark_barycentrics": (478, 3),
        "landmark_weights": (478,),
        "blendshape_params": (52, MAX_EXPRESSION + 15),
    }
    assert set(shapes) == set(ARRAY_TYPES)
    for name, shape in shapes.items():
        array = getattr(HEAD, name)
        assert array.shape == shape, name
        assert array.dtype == ARRAY_TYPES[name], name
        assert np.isfinite(array).all(), name
        assert not array.flags.writeable, name
    for faces, count in ((HEAD.faces, V), (HEAD.uv_faces, len(HEAD.uv))):
        assert faces.min() == 0
        assert faces.max() == count - 1


def test_model_id_covers_what_posing_uses_and_nothing_else() -> None:
    arrays: dict[str, NDArray[Any]] = {name: getattr(HEAD, name) for name in ARRAY_TYPES}
    assert head_model_id(arrays) == HEAD.model_id
    for name in ARRAY_TYPES:
        changed = arrays[name].copy()
        changed.flat[-1] += 1
        same = head_model_id(arrays | {name: changed}) == HEAD.model_id
        assert same == (name not in POSING_ARRAYS), name


def test_loading_twice_gives_the_same_object() -> None:
    assert load_open_head() is HEAD
    with pytest.raises(dataclasses.FrozenInstanceError):
        HEAD.name = "other"  # pyright: ignore[reportAttributeAccessIssue]


def test_weights_are_convex_and_rigid_where_they_must_be() -> None:
    assert (HEAD.lbs_weights >= 0).all()
    np.testing.assert_allclose(HEAD.lbs_weights.sum(axis=1), 1.0, atol=1e-6)
    np.testing.assert_allclose(HEAD.J_regressor.sum(axis=1), 1.0, atol=1e-5)
    joint_of = {Part.UPPER_TEETH: 1, Part.LOWER_TEETH: 2, Part.TONGUE: 2, Part.LEFT_EYE: 3, Part.RIGHT_EYE: 4}
    for part, joint in joint_of.items():
        assert (HEAD.lbs_weights[part == HEAD.parts, joint] == 1).all(), part
    assert (HEAD.lbs_weights[HEAD.parts == Part.SKIN, 3:] == 0).all()
    assert (HEAD.lbs_weights[HEAD.parts == Part.TORSO, 0] > 0.8).all()


def test_origin_lies_between_the_eyes_and_the_left_eye_on_the_left() -> None:
    left, right = HEAD.J_regressor[3:] @ HEAD.v_template
    np.testing.assert_allclose((left + right) / 2, 0.0, atol=1e-5)
    assert 0.05 < left[0] - right[0] < 0.07
    assert HEAD.v_template[:, 1].min() < -0.25, "a bust has shoulders"
    assert np.ptp(HEAD.v_template[HEAD.parts == Part.TORSO, 0]) > 0.4


def test_the_surface_faces_outwards() -> None:
    corners = HEAD.v_template[HEAD.faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    volume = (corners[:, 0] * normals).sum() / 6
    assert volume > 0.004  # cubic metres; the origin is not on the open rim's plane, so this is a rough measure
    balls = np.isin(HEAD.parts[HEAD.faces[:, 0]], [Part.LEFT_EYE, Part.RIGHT_EYE])
    centers = (HEAD.J_regressor[3:] @ HEAD.v_template)[HEAD.parts[HEAD.faces[balls, 0]] - 1]
    assert ((corners[balls].mean(axis=1) - centers) * normals[balls]).sum(axis=1).min() > 0


def test_expressions_are_ordered_by_variance_and_the_first_ten_carry_most() -> None:
    variance = (HEAD.expressiondirs.astype(np.float64) ** 2).sum(axis=(0, 1))
    assert (np.diff(variance) <= 1e-3 * variance[:-1]).all()
    assert variance[:10].sum() > 0.75 * variance.sum()
    directions = HEAD.expressiondirs.reshape(-1, MAX_EXPRESSION).astype(np.float64)
    singular = np.linalg.svd(directions / np.linalg.norm(directions, axis=0), compute_uv=False)
    assert singular[-1] > 0.9, "all fifty are independent"


def test_expressions_leave_eyeballs_and_shoulders_alone() -> None:
    eyes = np.isin(HEAD.parts, [Part.LEFT_EYE, Part.RIGHT_EYE])
    assert (HEAD.expressiondirs[eyes] == 0).all()
    assert (HEAD.eyelid_dirs[:, eyes] == 0).all()
    torso = HEAD.parts == Part.TORSO
    assert np.abs(HEAD.expressiondirs[torso]).max() < 1e-3


def test_closed_lids_cover_the_eyes() -> None:
    def eye_pixels(vertices: NDArray[np.float32], part: Part) -> int:
        camera = vertices.astype(np.float64) * [1, -1, -1] + [0, 0, 0.5]
        seen = draw.cast(camera, HEAD.faces, focal=1000.0, size=200).faces
        return int((HEAD.parts[HEAD.faces[seen[seen >= 0], 0]] == part).sum())

    opened, half = posed(), posed(eyeBlinkLeft=0.5, eyeBlinkRight=0.5)
    left_closed = posed(eyeBlinkLeft=1.0)
    assert eye_pixels(opened, Part.LEFT_EYE) > 200
    assert eye_pixels(left_closed, Part.LEFT_EYE) == 0
    assert eye_pixels(left_closed, Part.RIGHT_EYE) == eye_pixels(opened, Part.RIGHT_EYE)
    assert 0.3 < eye_pixels(half, Part.RIGHT_EYE) / eye_pixels(opened, Part.RIGHT_EYE) < 0.7


def test_blendshapes_do_what_their_names_say() -> None:
    rest = landmarks(posed())

    def moved(index: int, **scores: float) -> NDArray[np.float32]:
        return (landmarks(posed(**scores)) - rest)[index]

    assert HEAD.blendshape_names[0] == "_neutral"
    assert (HEAD.blendshape_params[0] == 0).all()
    assert len(set(HEAD.blendshape_names)) == 52
    assert moved(152, jawOpen=1)[1] < -0.02
    assert moved(17, jawLeft=1)[0] > 0.003
    assert moved(17, jawRight=1)[0] < -0.003
    assert moved(291, mouthSmileLeft=1)[1] > 0.004
    assert abs(moved(61, mouthSmileLeft=1)[1]) < 0.002
    assert moved(61, mouthPucker=1)[0] > 0.003, "the right corner comes in"
    assert moved(66, browDownRight=1)[1] < -0.001
    assert moved(473, eyeLookOutLeft=1)[0] > 0.004
    assert moved(473, eyeLookUpLeft=1)[1] > 0.002
    open_mouth = landmarks(posed(jawOpen=1))
    closed = landmarks(posed(jawOpen=1, mouthClose=1))
    assert open_mouth[13, 1] - open_mouth[14, 1] > 0.03
    assert closed[13, 1] - closed[14, 1] < 0.005


def test_left_and_right_blendshapes_mirror_each_other() -> None:
    mirror = mirror_vertices()
    for name in HEAD.blendshape_names:
        if name.endswith("Left"):
            left = posed(**{name: 1.0})
            right = posed(**{name.replace("Left", "Right"): 1.0})
            np.testing.assert_allclose(left[mirror] * [-1, 1, 1], right, atol=6e-5, err_msg=name)


def test_landmarks_lie_on_the_skin_and_irises_on_the_eyeballs() -> None:
    assert HEAD.landmark_faces.min() >= 0
    assert HEAD.landmark_faces.max() < F
    assert (HEAD.landmark_barycentrics >= -1e-6).all()
    np.testing.assert_allclose(HEAD.landmark_barycentrics.sum(axis=1), 1.0, atol=1e-5)
    assert (HEAD.landmark_weights >= 0).all()
    assert (HEAD.landmark_weights <= 1).all()
    parts = HEAD.parts[HEAD.faces[HEAD.landmark_faces]]
    assert (parts[:468] == Part.SKIN).all()
    for part, rows in IRISES.items():
        assert (parts[rows] == part).all()
        points = landmarks(HEAD.v_template)[rows]
        center = HEAD.J_regressor[2 + part] @ HEAD.v_template
        np.testing.assert_allclose(points[0, :2], center[:2], atol=1e-3)
        np.testing.assert_allclose(np.linalg.norm(points[1:, :2] - points[0, :2], axis=1), 0.006, atol=1e-3)


def test_landmarks_are_where_mediapipe_has_them() -> None:
    points = landmarks(HEAD.v_template)
    pairs = [(33, 263), (133, 362), (61, 291), (159, 386), (105, 334), (129, 358), (234, 454), (13, 13), (1, 1)]
    for right, left in pairs:
        np.testing.assert_allclose(points[right] * [-1, 1, 1], points[left], atol=1e-4)
        assert points[right, 0] <= 1e-3
    heights = points[[10, 105, 159, 145, 1, 2, 0, 13, 14, 17, 152], 1]
    assert (np.diff(heights) < 1e-3).all(), "forehead, brow, lids, nose, lips, chin from top to bottom"
    assert points[1, 2] == points[:468, 2].max(), "the tip of the nose is in front"


def test_uv_charts_do_not_overlap() -> None:
    assert HEAD.uv.min() >= 0
    assert HEAD.uv.max() <= 1
    size = 1024
    corners = HEAD.uv.astype(np.float64)[HEAD.uv_faces] * size
    edges = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    double_area = edges[0][:, 0] * edges[1][:, 1] - edges[0][:, 1] * edges[1][:, 0]
    assert (double_area > 0).all(), "no triangle is flipped"
    owners = np.zeros((size, size), np.int64)
    for corner, area in zip(corners, double_area, strict=True):
        (x0, y0), (x1, y1) = np.floor(corner.min(axis=0)).astype(int), np.ceil(corner.max(axis=0)).astype(int)
        x, y = np.arange(x0, x1) + 0.5 - corner[0, 0], (np.arange(y0, y1) + 0.5 - corner[0, 1])[:, None]
        b = (x * (corner[2, 1] - corner[0, 1]) - (corner[2, 0] - corner[0, 0]) * y) / area
        c = ((corner[1, 0] - corner[0, 0]) * y - x * (corner[1, 1] - corner[0, 1])) / area
        owners[y0:y1, x0:x1] += (b > 1e-5) & (c > 1e-5) & (b + c < 1 - 1e-5)
    assert owners.max() == 1
    assert (owners == 1).mean() > 0.7
