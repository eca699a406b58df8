"""Figures show what they say: pictures stand apart, close-ups of film and avatar fit, lost packets are told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from avatar_store.guests import list_guests
from codec.avatar_file import unpack_avatar
from renderer.avatar.avatar_model import AvatarModel
from renderer.head.open_head import load_open_head
from tools.figures.growth import choose_stages
from tools.figures.network import FROM_S, NETWORK, travel
from tools.figures.sheet import GAP_PX, LINE_PX, Tile, layout, sheet
from tools.figures.subject import Moment, Subject
from tracker.face_tracker import NO_FACE
from visavis.bench.lively_face import lively_face

FRAME_S = 0.04


def tile(width: int, height: int, gray: int, caption: str = "") -> Tile:
    return Tile(np.full((height, width, 3), gray, np.uint8), caption)


def moment(number: int, picture: np.ndarray) -> Moment:
    return Moment(number, number * FRAME_S, picture, NO_FACE, lively_face(number, FRAME_S, 0))


def test_pictures_stand_apart_and_above_their_captions():
    width, height, places = layout([[tile(30, 20, 1, "a\nb"), tile(30, 20, 2, "c")], [tile(10, 10, 3)]])
    assert width == 2 * 30 + 3 * GAP_PX
    assert [place[:2] for place in places[:2]] == [(GAP_PX, GAP_PX), (30 + 2 * GAP_PX, GAP_PX)]
    left, top, _ = places[2]
    assert left == (width - 10) // 2
    assert top >= 20 + 2 * LINE_PX + 2 * GAP_PX
    assert height == top + 10 + GAP_PX
    with pytest.raises(ValueError, match="each of its rows"):
        layout([[tile(1, 1, 0)], []])


def test_a_sheet_has_the_pictures_pixel_by_pixel_and_their_captions():
    page = sheet([[tile(120, 40, 77, "Filmed")]])
    assert (page[GAP_PX : GAP_PX + 40, GAP_PX : GAP_PX + 120] == 77).all()
    assert page[GAP_PX + 40 :].min() < 100, "the caption"
    assert (page[:GAP_PX] == 255).all()


def test_stages_are_the_first_the_last_and_those_after_each_wanted_time():
    assert choose_stages([19, 30, 45, 60, 90], [30, 50]) == [0, 1, 3, 4]
    assert choose_stages([19, 25], [10, 20, 60]) == [0, 1]


def test_film_and_avatar_have_the_same_close_up():
    """A dot that is filmed where the eyes are is where the close-up's camera sees the eyes."""
    model = AvatarModel(load_open_head(), unpack_avatar(list_guests()[0].file.read_bytes()))
    picture = np.zeros((300, 400, 3), np.uint8)
    face = replace(lively_face(0, FRAME_S, 0), translation=np.array([0.1, -0.05, 0.9], np.float32))
    subject = Subject(model, None, 440.0, [moment(0, picture)], np.zeros(0))
    x, y = subject.K[:2, :2].diagonal() * face.translation[:2] / face.translation[2] + subject.K[:2, 2]
    rows, columns = np.mgrid[:300, :400] + 0.5
    picture[:] = np.round(255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 50))[..., None]
    camera = subject.close_up(face, 128)
    seen = subject.filmed(picture, camera)[..., 0].astype(float)
    middle = [(axis * seen).sum() / seen.sum() + 0.5 for axis in np.mgrid[:128, :128][::-1]]
    eyes = camera.K @ face.translation
    assert middle == pytest.approx(eyes[:2] / eyes[2], abs=0.1)
    assert eyes[0] / eyes[2] == pytest.approx(64, abs=0.01)
    assert eyes[1] / eyes[2] < 64
    large = np.repeat(np.repeat(picture, 2, axis=0), 2, axis=1)
    assert np.abs(subject.filmed(large, camera)[..., 0] - seen).max() < 40


def test_lost_packets_are_told_and_cost_no_more_than_a_moment():
    picture = np.zeros((3, 4, 3), np.uint8)
    journey = travel([moment(number, picture) for number in range(round(4 / FRAME_S))], 4.0)
    count = len(journey.lost_s) + len(journey.sent_s)
    assert 0.03 < len(journey.lost_s) / count < 0.2
    assert len(journey.shown) > 60
    assert all(at - captured >= NETWORK.delay_s for at, captured, _ in journey.shown)
    assert journey.longest_pause_ms() < 400
    assert FROM_S > 4, "the figure shows a link that has settled"
