from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np
import pytest

from assets.store import AssetStore
from tracker.orientation import view_rotation
from tracker.smirk import extractor as module
from tracker.smirk.crop import face_box
from tracker.smirk.errors import SmirkUnavailable
from tracker.smirk.extractor import SmirkExtractor

FRAME_S = 0.04
NO_FACE = np.full((480, 640, 3), 90, np.uint8)


class Network:
    """Stands for the exported networks: says what it is told to."""

    def __init__(self, model: object, outputs: tuple[str, ...]) -> None:
        self.says = {
            "rotation": np.zeros(3),
            "camera": np.array([7.0, 0.0, 0.0]),
            "expression": np.zeros(50),
            "eyelids": np.zeros(2),
            "jaw": np.zeros(3),
            "shape": np.linspace(-1, 1, 300),
        }
        self.crops: list[np.ndarray] = []
        self.outputs = outputs

    def __call__(self, crop: np.ndarray) -> dict[str, np.ndarray]:
        self.crops.append(crop)
        return {name: self.says[name].astype(np.float32) for name in self.outputs}


@pytest.fixture(scope="module")
def flame_2020(studio):
    """The open head under FLAME 2020's name: the same interface, and nobody may ship FLAME."""
    return replace(studio.head, name="flame-2020-synthetic")


@pytest.fixture
def store(tmp_path) -> AssetStore:
    store = AssetStore(tmp_path)
    store.add(
        "smirk",
        {"frame.onnx": b"-", "shape.onnx": b"-"},
        source="a.pt",
        sha256="0" * 64,
        edition="smirk-flame-2020",
        licence="",
    )
    return store


@pytest.fixture
def scripted(flame_2020, store, monkeypatch) -> Iterator[SmirkExtractor]:
    monkeypatch.setattr(module, "Session", Network)
    extractor = SmirkExtractor(flame_2020, store=store, smoothing=False)
    yield extractor
    extractor.close()
    extractor.close()


def track(extractor: SmirkExtractor, picture: np.ndarray, count: int = 4, start_s: float = 0.0):
    for index in range(count):
        result = extractor.track(picture, start_s + (index + 1) * FRAME_S)
    return result


def test_a_head_beside_the_center_lands_where_the_picture_shows_it(studio, scripted):
    """With the answers of a perfect network, which sees the crop alone: this head from its side, at this scale."""
    truth = studio.face(translation=[0.09, -0.03, 0.6])
    box = face_box(studio.detection(truth).landmarks_px)
    focal, offset = 1.1 * 640, np.array([0.09, -0.03]) / 0.6 * 1.1 * 640
    seen = view_rotation(offset, focal).T
    scripted._frame.says.update(
        rotation=cv2.Rodrigues(seen)[0].ravel(), camera=np.array([focal / 0.6 / box.px_per_ndc, 0.0, 0.0])
    )
    result = track(scripted, studio.picture(truth))
    assert result.params is not None
    np.testing.assert_allclose(result.params.translation, truth.translation, atol=0.02)
    np.testing.assert_allclose(result.params.translation[:2], truth.translation[:2], atol=0.006)
    np.testing.assert_allclose(result.params.global_rotation, np.zeros(3), atol=0.01)
    assert result.residual < 0.05
    assert scripted.name == "smirk"
    assert scripted.head_model_id == studio.head.model_id


def test_expression_jaw_lids_are_the_networks_and_gaze_is_ours(studio, scripted):
    scripted._frame.says.update(
        rotation=np.array([0.1, 0.0, 0.0]),
        expression=np.linspace(-5, 5, 50),
        eyelids=np.array([0.25, 0.5]),
        jaw=np.array([0.2, 0.01, 0.0]),
    )
    params = track(scripted, studio.picture(studio.face())).params
    np.testing.assert_allclose(params.expression, np.clip(np.linspace(-5, 5, 50), -4, 4), rtol=1e-6)
    np.testing.assert_allclose(params.eyelids, [0.25, 0.5])
    np.testing.assert_allclose(params.jaw_pose, [0.2, 0.01, 0.0], atol=1e-7)
    np.testing.assert_allclose(params.global_rotation, [0.1, 0, 0], atol=0.03)
    scripted._frame.says["eyelids"] = np.zeros(2)
    left = track(scripted, studio.picture(studio.face(gaze=[0.3, 0, 0.3, 0])), start_s=1.0).params
    right = track(scripted, studio.picture(studio.face(gaze=[-0.3, 0, -0.3, 0])), start_s=2.0).params
    assert left.gaze[0] - right.gaze[0] > 0.2


def test_a_still_face_gives_the_networks_the_same_crop(studio, scripted):
    picture = studio.picture(studio.face()).astype(np.int16)
    noise = np.random.default_rng(0)
    for index in range(12):
        noisy = np.clip(picture + noise.normal(0, 4, picture.shape), 0, 255).astype(np.uint8)
        scripted.track(noisy, (index + 1) * FRAME_S)
    crops = np.concatenate(scripted._frame.crops)
    assert np.abs(crops - crops.mean(axis=0)).mean() < 0.02  # the pictures' noise, no movement of the crop


@pytest.mark.parametrize(
    ("output", "value"),
    [("camera", [0.0, 0, 0]), ("camera", [-7.0, 0, 0]), ("camera", [float("nan"), 0, 0]), ("jaw", [np.inf, 0, 0])],
)
def test_nonsense_of_the_networks_is_no_face(studio, scripted, output, value):
    scripted._frame.says[output] = np.array(value)
    result = track(scripted, studio.picture(studio.face()))
    assert result.params is None
    assert np.isnan(result.residual)


def test_a_picture_without_a_face_is_a_result_and_the_face_comes_back(studio, scripted):
    face = studio.picture(studio.face())
    before = track(scripted, face).params
    gone = track(scripted, NO_FACE, 2, 1.0)
    assert gone.params is None
    assert gone.landmarks_px is None
    after = track(scripted, face, 4, 3.0).params
    np.testing.assert_allclose(after.translation, before.translation, atol=0.01)


def test_shape_is_told_on_request(studio, scripted):
    shape = scripted.shape(studio.picture(studio.face()), 0.0)
    np.testing.assert_allclose(shape, np.linspace(-1, 1, 300), rtol=1e-6)
    assert scripted.shape(NO_FACE, 1.0) is None


def test_another_head_is_refused_in_one_sentence(studio, store):
    with pytest.raises(SmirkUnavailable, match=r"FLAME 2020, but the head model is open-head-\d+"):
        SmirkExtractor(studio.head, store=store)
    for name in ("flame-2023", "flame-2023-open"):
        with pytest.raises(SmirkUnavailable, match=name):
            SmirkExtractor(replace(studio.head, name=name), store=store)


def test_missing_and_damaged_weights_are_refused(flame_2020, store, tmp_path):
    with pytest.raises(SmirkUnavailable, match="visavis assets install smirk"):
        SmirkExtractor(flame_2020, store=AssetStore(tmp_path / "empty"))
    with pytest.raises(SmirkUnavailable, match="cannot be loaded"):
        SmirkExtractor(flame_2020, store=store)
    (store.find("smirk").folder / "frame.onnx").write_bytes(b"?")
    with pytest.raises(SmirkUnavailable, match="has changed since it was installed"):
        SmirkExtractor(flame_2020, store=store)


def test_random_weights_give_finite_parameters_end_to_end(studio, flame_2020, installed):
    extractor = SmirkExtractor(flame_2020, store=installed[0])
    try:
        result = track(extractor, studio.picture(studio.face()), 6)
        shape = extractor.shape(studio.picture(studio.face()), 1.0)
    finally:
        extractor.close()
    assert result.params is not None  # FaceParams refuses numbers that are not finite
    assert np.abs(result.params.expression).max() > 0
    assert 0.1 < result.params.translation[2] < 3
    assert shape.shape == (300,)
    assert np.isfinite(shape).all()
