"""From a photo to a take of one picture."""

from __future__ import annotations

import numpy as np
import pytest

from enrolment.errors import TakeError
from enrolment.photo import photo_take
from enrolment.read_take import usual_matte_network
from enrolment.take import SIDE
from renderer.head.open_head import load_open_head
from tests.support.recordings import drawn_person, empty_room
from tracker.matting import SegmentationNetwork

HEAD = load_open_head()


@pytest.fixture(scope="module")
def network() -> SegmentationNetwork:
    try:
        return usual_matte_network()
    except TakeError as error:
        pytest.skip(str(error))


def test_a_photo_becomes_a_take(network: SegmentationNetwork) -> None:
    room = empty_room((400, 900))
    room[80:400, 100:420] = drawn_person()[0]
    take = photo_take(room, HEAD, matte_network=network)
    assert len(take) == 1
    assert take.person is None
    assert take.train_indices.tolist() == [0]
    assert np.abs(take.params(0).global_rotation).max() < 0.2
    shown = np.abs(take.images[0].astype(int) - empty_room((1, 1))).max(axis=2) > 25
    matte = take.alphas[0] > 127
    assert (shown & matte).sum() / (shown | matte).sum() > 0.9
    assert shown.mean() > 0.2
    scale = take.K[0, 0] / (1.1 * 900)
    assert scale > SIDE / 900


@pytest.mark.parametrize(
    ("photo", "words"),
    [
        (lambda: empty_room(), "shows no face"),
        (lambda: np.hstack([drawn_person()[0]] * 2), "two people"),
        (lambda: np.ascontiguousarray(drawn_person()[0][::4, ::4]), "(too small|shows no face)"),
    ],
)
def test_photos_that_are_of_no_use(network: SegmentationNetwork, photo, words: str) -> None:
    with pytest.raises(TakeError, match=words):
        photo_take(photo(), HEAD, matte_network=network)


def test_what_is_no_picture(network: SegmentationNetwork) -> None:
    with pytest.raises(ValueError, match="expected a picture"):
        photo_take(np.zeros((4, 4), np.uint8), HEAD, matte_network=network)
