from __future__ import annotations

import numpy as np
import pytest

from tracker.assets import TrackerAssetError
from tracker.matting import PersonMatte, SegmentationNetwork, head_region
from visavis.errors import CommandError
from visavis.matting_model import fetch_matting_model

FRAME_S = 0.04


@pytest.fixture(scope="module")
def network():
    try:
        path = fetch_matting_model(lambda line: None)
    except CommandError as error:
        pytest.skip(str(error))
    return SegmentationNetwork(path)


@pytest.fixture(scope="module")
def drawn(studio):
    """A drawn person, and which pixels are the person."""
    image = studio.picture(studio.face())
    return image, (image != 225).any(axis=2)


def test_a_drawn_person_is_told_from_the_background(network, drawn):
    image, person = drawn
    alpha = PersonMatte(network)(image, 0.0)
    assert alpha.shape == image.shape[:2]
    assert alpha.dtype == np.float32
    assert alpha.min() >= 0
    assert alpha.max() <= 1
    found = alpha > 0.5
    assert (found & person).sum() / (found | person).sum() > 0.93


def test_the_closer_look_finds_a_small_person(studio, network, drawn):
    """A head of a twentieth of the picture's width: the whole picture shows it with a few pixels of the network."""
    image, person = np.full((720, 1280, 3), 225, np.uint8), np.zeros((720, 1280), bool)
    image[300:380, 700:807], person[300:380, 700:807] = drawn[0][::6, ::6], drawn[1][::6, ::6]
    landmarks = studio.detection(studio.face()).landmarks_px / 6 + (700, 300)

    def overlap(head):
        found = PersonMatte(network)(image, 0.0, head) > 0.5
        return (found & person).sum() / (found | person).sum()

    assert overlap(None) < 0.6
    assert overlap(head_region(landmarks)) > 0.9


def test_the_result_is_steady_over_time(network, drawn):
    """Camera noise trembles in the masks of single pictures. (The refinement puts the noise of edges back.)"""
    rng = np.random.default_rng(0)
    pictures = [np.clip(drawn[0] + rng.normal(0, 4, drawn[0].shape), 0, 255).astype(np.uint8) for _ in range(12)]

    def flicker(matte):
        alphas = [matte(image, index * FRAME_S) for index, image in enumerate(pictures)]
        return np.abs(np.diff(alphas[4:], axis=0)).mean()

    single, steady = (flicker(PersonMatte(network, steady=on, refine=False)) for on in (False, True))
    assert steady < 0.2 * single


@pytest.mark.parametrize(
    "image", [np.zeros((48, 64), np.uint8), np.zeros((48, 64, 3), np.float32), np.zeros((0, 64, 3), np.uint8)]
)
def test_other_kinds_of_pictures_are_refused(network, image):
    with pytest.raises(ValueError, match="expected a picture"):
        PersonMatte(network)(image, 0.0)
    with pytest.raises(ValueError, match="not finite"):
        PersonMatte(network)(np.zeros((48, 64, 3), np.uint8), float("nan"))


def test_a_region_outside_of_the_picture_does_no_harm(network, drawn):
    image, _ = drawn
    np.testing.assert_array_equal(
        PersonMatte(network)(image, 0.0, (-400, -400, -100, -100)), PersonMatte(network)(image, 0.0)
    )


def test_files_that_are_no_such_network(tmp_path):
    path = tmp_path / "net.tflite"
    with pytest.raises(TrackerAssetError, match="cannot be read"):
        SegmentationNetwork(path)
    path.write_bytes(b"\x20\x00\x00\x00TFL3 and then something else")
    with pytest.raises(TrackerAssetError, match="SHA-256"):
        SegmentationNetwork(path)
    with pytest.raises(TrackerAssetError, match="no network that LiteRT can run"):
        SegmentationNetwork(path, any_content=True)


def test_the_head_region_holds_hair_and_shoulders(studio):
    landmarks = studio.detection(studio.face()).landmarks_px
    left, top, right, bottom = head_region(landmarks)
    (low_x, low_y), (high_x, high_y) = landmarks.min(axis=0), landmarks.max(axis=0)
    face = high_y - low_y
    assert right - left == pytest.approx(bottom - top)
    assert top < low_y - 0.5 * face
    assert bottom > high_y + 0.5 * face
    assert left < low_x - 0.5 * face
    assert right > high_x + 0.5 * face
