"""Scenes as files."""

from pathlib import Path

import numpy as np
import pytest

from codec.params import FaceParams
from renderer.avatar.avatar_model import instant_vector
from visavis.bench.rd.scene import Scene, Worn, load_scene, save_scene


@pytest.fixture
def scene() -> Scene:
    random = np.random.default_rng(0)
    pictures = random.integers(0, 255, (3, 32, 32, 3), dtype=np.uint8)
    K = np.array([[40, 0, 16], [0, 40, 16], [0, 0, 1]], np.float32)
    vectors = np.stack([instant_vector(FaceParams.neutral())] * 3)
    worn = Worn("linear", "linear", b"file", vectors, 12.5)
    return Scene("somebody", pictures, K, (0, 4, 32, 28), (worn,), {"uncompressed": (3_000_000, 1_500_000)})


def test_a_scene_comes_back(tmp_path: Path, scene: Scene):
    save_scene(scene, tmp_path / "scene.npz")
    again = load_scene(tmp_path / "scene.npz")
    assert again is not None
    assert (again.name, again.inner, again.stages) == (scene.name, scene.inner, scene.stages)
    assert np.array_equal(again.pictures, scene.pictures)
    worn = again.avatar("linear")
    assert worn is not None
    assert (worn.data, worn.follow_ms) == (b"file", 12.5)
    assert all(np.array_equal(face.to_vector(), FaceParams.neutral().to_vector()) for face in worn.faces())
    assert again.avatar("paper") is None


def test_what_the_recording_does_not_show_is_outside(scene: Scene):
    outside = scene.outside()
    assert outside[:4].all()
    assert outside[28:].all()
    assert not outside[4:28].any()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no archive"])
def test_a_damaged_scene_is_made_again(tmp_path: Path, content: bytes):
    (tmp_path / "scene.npz").write_bytes(content)
    assert load_scene(tmp_path / "scene.npz") is None
    assert load_scene(tmp_path / "none.npz") is None
