from __future__ import annotations

import io

import numpy as np
import pytest

from codec.params import FaceParams
from renderer.errors import HeadModelError
from renderer.head import draw, flame_head
from renderer.head.eyelids import eyelid_closure
from renderer.head.flame_head import find_parts, make_flame_head
from renderer.head.model import HeadModel, Part
from renderer.head.open_head import load_open_head
from renderer.head.pose import pose_vertices
from renderer.head.storage import ARRAY_TYPES, load_head, pack_head, read_head
from tests.support.flame import arrays

CLOSE_UP = {"focal": 3000.0, "size": 300}


def make(**changes: np.ndarray) -> HeadModel:
    source = arrays()
    fields = {
        "v_template": source["v_template"].astype(np.float32),
        "faces": source["f"].astype(np.int32),
        "expressiondirs": source["shapedirs"][:, :, 300:350],
        "posedirs": np.moveaxis(source["posedirs"], 2, 0),
        "J_regressor": source["J_regressor"],
        "lbs_weights": source["weights"],
    }
    return make_flame_head("flame-test", **{**fields, **changes})


@pytest.fixture(scope="module")
def head() -> HeadModel:
    return make()


def seen_eyes(head: HeadModel, eyelids: list[float], yaw: float = 0.0) -> tuple[int, int]:
    """Pixels of the left and the right eyeball in a close-up."""
    vector = FaceParams.neutral().to_vector()
    vector[51], vector[59:61] = yaw, eyelids
    posed = pose_vertices(head, np.zeros_like(head.v_template), FaceParams.from_vector(vector)).astype(np.float64)
    seen = draw.cast(posed, head.faces, **CLOSE_UP).faces
    parts = np.append(head.parts[head.faces[:, 0]], 255)[seen]
    return int((parts == Part.LEFT_EYE).sum()), int((parts == Part.RIGHT_EYE).sum())


def test_the_origin_lies_between_the_eyes_which_are_parts_of_their_own(head):
    joints = head.J_regressor @ head.v_template
    np.testing.assert_allclose((joints[3] + joints[4]) / 2, 0, atol=1e-5)
    assert joints[3, 0] > 0.02
    assert np.bincount(head.parts).tolist() == [5023 - 2 * 282, 282, 282]
    for part, joint in ((Part.LEFT_EYE, joints[3]), (Part.RIGHT_EYE, joints[4])):
        ball = head.v_template[head.parts == part]
        np.testing.assert_allclose((ball.min(axis=0) + ball.max(axis=0)) / 2, joint, atol=1e-3)


def test_a_file_gives_the_same_id_whatever_the_last_digits(head, monkeypatch):
    """Sums of many numbers and sines differ in their last digits between processors; the id must not."""
    # Charts take a second and are no part of the id.
    monkeypatch.setattr(flame_head, "unwrap", lambda vertices, faces: (np.zeros((3, 2)), np.zeros_like(faces)))
    rng = np.random.default_rng(0)
    regressor = arrays()["J_regressor"]
    shaken = make(J_regressor=regressor * (1 + 1e-15 * rng.normal(size=regressor.shape)))
    assert shaken.model_id == head.model_id
    skin, ball = head.parts == Part.SKIN, head.parts == Part.LEFT_EYE
    template = head.v_template.astype(np.float64)
    template *= 1 + 1e-15 * rng.normal(size=template.shape)
    joint = head.J_regressor[3] @ template
    np.testing.assert_array_equal(eyelid_closure(template, head.faces, ball, skin, joint), head.eyelid_dirs[0])
    assert make(v_template=arrays()["v_template"] + 1e-5 * rng.normal(size=(5023, 3))).model_id != head.model_id


def test_each_eyelid_hides_its_eye_and_no_other(head):
    open_left, open_right = seen_eyes(head, [0, 0])
    assert min(open_left, open_right) > 1000
    assert seen_eyes(head, [1, 1]) == (0, 0)
    assert seen_eyes(head, [1, 0]) == (0, open_right)
    half_left, half_right = seen_eyes(head, [0.5, 0.5])
    assert 0.25 < half_left / open_left < 0.75
    assert 0.25 < half_right / open_right < 0.75
    for yaw in (-0.5, 0.5):
        assert sum(seen_eyes(head, [1, 1], yaw)) < 0.01 * sum(seen_eyes(head, [0, 0], yaw))


def test_lids_move_only_around_the_eyes_and_stay_outside_of_them(head):
    joints = head.J_regressor @ head.v_template
    for lid, joint, part in zip(head.eyelid_dirs, joints[3:], (Part.LEFT_EYE, Part.RIGHT_EYE), strict=True):
        moves = np.linalg.norm(lid, axis=1) > 0
        distance = np.linalg.norm(head.v_template - joint, axis=1)
        assert not moves[head.parts != Part.SKIN].any()
        assert distance[moves].max() < 0.035
        radius = distance[head.parts == part].max()
        for share in (0.5, 1.0):
            moved = np.linalg.norm(head.v_template + share * lid - joint, axis=1)
            clear = distance[moves] > radius
            assert (moved[moves][clear] > radius - 2e-4).all()


def test_a_head_without_open_eyes_is_refused(head):
    skin = head.parts == Part.SKIN
    empty = np.zeros(len(skin), np.bool_)
    with pytest.raises(HeadModelError, match="eyes are not open"):
        eyelid_closure(head.v_template.astype(np.float64), head.faces, empty, skin, np.zeros(3))
    weights = head.lbs_weights.copy()
    weights[:, 1] += weights[:, 4]
    weights[:, 4] = 0
    with pytest.raises(HeadModelError, match="no eyeball"):
        find_parts(head.faces, weights)


def test_charts_do_not_overlap(head):
    """Every triangle of the charts owns the pixels at its inside."""
    size = 2048
    flat = np.concatenate([head.uv * size, np.ones((len(head.uv), 1))], axis=1).astype(np.float64)
    flat[:, :2] -= size / 2
    assert head.uv.min() >= 0
    assert head.uv.max() <= 1
    assert head.uv_faces.shape == head.faces.shape
    both = np.concatenate([head.uv_faces, head.uv_faces[:, ::-1]])  # a chart may lie either way up
    seen = draw.cast(flat, both, 1.0, size).faces % len(head.faces)
    corners = head.uv[head.uv_faces] * size
    middle = np.floor(corners.mean(axis=1)).astype(int).clip(0, size - 1)
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    large = np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]) > 40
    assert large.mean() > 0.8
    own = seen[middle[:, 1], middle[:, 0]] == np.arange(len(head.faces))
    assert own[large].mean() > 0.995


def test_a_stored_head_is_the_same_head(head, tmp_path):
    stored = read_head(io.BytesIO(pack_head(head)))
    assert (stored.name, stored.model_id) == (head.name, head.model_id)
    for name in ARRAY_TYPES:
        np.testing.assert_array_equal(getattr(stored, name), getattr(head, name))


def test_a_head_is_found_by_name_and_by_id(head, tmp_path):
    path = tmp_path / "head.npz"
    path.write_bytes(pack_head(head))
    assert load_head("open-head-1") is load_open_head()
    assert load_head(load_open_head().model_id, [path]) is load_open_head()
    assert load_head("flame-test", [path]).model_id == head.model_id
    assert load_head(head.model_id, [path]).name == "flame-test"
    with pytest.raises(HeadModelError, match=r"flame-2020 is needed but not installed.*open-head-1.*flame-test"):
        load_head("flame-2020", [path])
    path.write_bytes(pack_head(head)[:-500])
    with pytest.raises(HeadModelError, match="damaged"):
        load_head("flame-test", [path])
