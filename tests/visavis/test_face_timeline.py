"""The face of a stream between its frames, in its gaps, and before it begins."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from codec.face_motion import REST_HOLD_S
from codec.stream_file import FaceStream
from tests.support.tracks import made_track, talking
from visavis.face_streams import stream_of_track
from visavis.face_timeline import FaceTimeline

RATE = 25


def stream_of(faces: list[bool]) -> FaceStream:
    return stream_of_track(made_track([index / RATE for index in range(len(faces))], faces))


def shown(stream: FaceStream, times_s) -> np.ndarray:
    timeline = FaceTimeline(stream)
    return np.stack([timeline.at(float(time_s)).to_vector() for time_s in times_s])


def test_at_the_times_of_frames_it_is_the_frames() -> None:
    stream = stream_of([True] * 30)
    np.testing.assert_allclose(shown(stream, np.arange(30) / RATE), stream.values, atol=1e-6)


def test_times_that_were_rounded_to_milliseconds_do_not_matter() -> None:
    rate = 30000 / 1001
    stream = stream_of_track(made_track([index / rate for index in range(60)]))
    np.testing.assert_allclose(shown(stream, np.arange(60) / rate), stream.values, atol=4e-3)


def test_between_frames_it_is_interpolated() -> None:
    stream = stream_of([True] * 10)
    found = shown(stream, np.arange(19) / (2 * RATE))
    np.testing.assert_allclose(found[1::2], (stream.values[1:] + stream.values[:-1]) / 2, atol=1e-6)


def test_the_torso_is_interpolated_and_stays_through_a_gap() -> None:
    track = made_track([index / RATE for index in range(60)], [True] * 10 + [False] * 50)
    torso = np.linspace(0, 0.1, 60, dtype=np.float32)[:, None] * np.ones(6, np.float32)
    stream = stream_of_track(replace(track, torso=torso))
    timeline = FaceTimeline(stream)
    found = np.stack([timeline.at(index / (2 * RATE)).torso for index in range(119)])
    np.testing.assert_allclose(found[1:18:2], (torso[:9] + torso[1:10]) / 2, atol=1e-6)
    np.testing.assert_allclose(found[-1], torso[9], atol=1e-6)


def test_a_gap_is_held_then_the_face_rests_where_it_is() -> None:
    stream = stream_of([True] * 10 + [False] * 60 + [True] * 20)
    times = np.arange(90) / RATE
    found = shown(stream, times)
    last = stream.values[9]
    hold = (times > 9 / RATE) & (times < 10 / RATE + REST_HOLD_S - 0.01)
    assert hold.sum() >= 4
    np.testing.assert_allclose(found[hold], np.repeat(last[None], hold.sum(), axis=0), atol=1e-6)
    at_rest = found[69]
    np.testing.assert_allclose(at_rest[50:56], last[50:56], atol=1e-6)  # where it is and looks to
    np.testing.assert_allclose(np.delete(at_rest, slice(50, 56)), 0, atol=1e-2)
    np.testing.assert_allclose(found[89], stream.values[89], atol=1e-6)


def test_no_gap_makes_the_face_jump() -> None:
    stream = stream_of([False] * 25 + [True] * 5 + [False] * 40 + [True] * 20 + [False] * 3 + [True] * 20)
    found = shown(stream, np.arange(113) / RATE)
    steady = np.abs(np.diff(stream_of([True] * 113).values, axis=0)).max()
    expression = np.abs(np.diff(found[:, :50], axis=0)).max()
    assert steady < 0.1
    assert expression < 0.5  # at rest 0, talking up to 0.8


def test_before_the_first_face_the_head_rests_where_it_will_be() -> None:
    stream = stream_of([False] * 10 + [True] * 5)
    found = shown(stream, np.arange(10) / RATE)
    first = talking(10 / RATE).to_vector()
    np.testing.assert_allclose(found[:, 50:56], np.repeat(first[None, 50:56], 10, axis=0), atol=1e-6)
    assert (found[:, :50] == 0).all()
    assert (found[:, 56:] == 0).all()


def test_frames_that_just_stop_coming_are_a_gap() -> None:
    stream = stream_of_track(made_track([0.0, 0.04, 0.08, 5.0, 5.04]))
    found = shown(stream, np.arange(125) / RATE)
    np.testing.assert_allclose(found[10], stream.values[2], atol=1e-6)
    assert np.abs(found[120, :50]).max() < 1e-2


def test_a_stream_of_one_frame_a_second_is_followed() -> None:
    stream = stream_of_track(made_track([float(index) for index in range(5)]))
    found = shown(stream, np.arange(9) / 2)
    np.testing.assert_allclose(found[::2], stream.values, atol=1e-5)


def test_few_pictures_show_what_many_do() -> None:
    stream = stream_of([True] * 10 + [False] * 40 + [True] * 25)
    np.testing.assert_allclose(shown(stream, np.arange(15) / 5), shown(stream, np.arange(75) / RATE)[::5], atol=1e-5)


def test_a_stream_without_a_face() -> None:
    with pytest.raises(ValueError, match="no frame"):
        FaceTimeline(stream_of([False] * 3))
