from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.face_link import FaceLink
from codec.packet import Ack, Packet, PacketKind
from codec.params import FaceParams

FRAME_S = 0.04


def sent(link: FaceLink, params: FaceParams | None, capture_ms: int, now: float) -> bytes:
    """The one packet that profile `eg0` makes of a face."""
    (data,) = link.send(params, capture_ms, now)
    return data


def sign_of_life(link: FaceLink, now: float) -> bytes:
    (data,) = link.poll(now)
    return data


def face(jaw: float = 0.0, yaw: float = 0.0, x: float = 0.0, dims: int = 50) -> FaceParams:
    neutral = FaceParams.neutral(dims)
    return FaceParams(
        expression=np.full(dims, 4 * jaw, np.float32),
        global_rotation=np.array([0, yaw, 0], np.float32),
        translation=np.array([x, 0, 0.6], np.float32),
        jaw_pose=np.array([jaw, 0, 0], np.float32),
        eyelids=neutral.eyelids + jaw,
        gaze=neutral.gaze - jaw,
    )


def shown(link: FaceLink, now: float) -> FaceParams:
    params = link.current(now)
    assert params is not None
    return params


def test_two_links_talk_both_ways_with_one_key_frame_each() -> None:
    a, b = FaceLink(), FaceLink()
    for index in range(50):
        now = index * FRAME_S
        angle = 0.3 * np.sin(index / 5)
        b.receive(sent(a, face(jaw=0.2, yaw=angle), 40 * index, now), now)
        a.receive(sent(b, face(jaw=0.1, yaw=-angle), 40 * index, now), now)
        assert shown(b, now).global_rotation[1] == pytest.approx(angle, abs=0.001)
        assert shown(a, now).global_rotation[1] == pytest.approx(-angle, abs=0.001)
        assert a.newest_capture_ms == b.newest_capture_ms == 40 * index
    for link in (a, b):
        assert link.stats.key_frames_out <= 2
        assert link.stats.key_frames_in <= 2
        assert (link.stats.frames_shown, link.stats.stale, link.stats.lost) == (50, 0, 0)
        assert link.stats.packets_in == link.stats.packets_out == 50
        assert not link.stats.bad_packets
    assert a.stats.bytes_out == b.stats.bytes_in < 50 * 40


def test_before_the_first_frame_there_is_nothing_to_show() -> None:
    link = FaceLink()
    assert link.current(0.0) is None
    assert link.newest_capture_ms is None
    assert link.silent_for(3.0) == float("inf")
    link.receive(sent(FaceLink(), None, 5, 0.0), 1.0)
    assert link.current(1.0) is None
    assert link.silent_for(3.0) == 2.0


def test_late_and_repeated_packets_are_counted_and_not_shown() -> None:
    a, b = FaceLink(), FaceLink()
    packets = [sent(a, face(yaw=index / 10), 40 * index, 0.0) for index in range(4)]
    b.receive(packets[0], 0.1)
    b.receive(packets[3], 0.1)
    assert shown(b, 1.0).global_rotation[1] == pytest.approx(0.3, abs=0.001)
    b.receive(packets[1], 1.1)
    b.receive(packets[3], 1.1)
    assert shown(b, 1.2).global_rotation[1] == pytest.approx(0.3, abs=0.001)
    assert b.newest_capture_ms == b.shown_capture_ms == 120
    assert (b.stats.stale, b.stats.lost, b.stats.packets_in) == (2, 1, 4)


def test_a_silent_face_holds_then_comes_to_rest_where_it_is() -> None:
    a, b = FaceLink(), FaceLink()
    talking = face(jaw=0.3, yaw=0.4, x=0.1)
    b.receive(sent(a, talking, 0, 0.0), 0.0)
    before = shown(b, 0.0)
    np.testing.assert_allclose(before.to_vector(), talking.to_vector(), atol=0.02)
    np.testing.assert_array_equal(shown(b, 0.49).to_vector(), before.to_vector())
    jaws = [float(shown(b, 0.5 + index * FRAME_S).jaw_pose[0]) for index in range(40)]
    steps = -np.diff([before.jaw_pose[0], *jaws])
    assert steps.min() >= 0
    assert steps.max() < 0.3 * before.jaw_pose[0]
    rested = shown(b, 3.0)
    assert max(np.abs(getattr(rested, name)).max() for name in ("expression", "jaw_pose", "eyelids", "gaze")) < 0.001
    np.testing.assert_allclose(rested.global_rotation, before.global_rotation)
    np.testing.assert_allclose(rested.translation, before.translation)


def test_empty_packets_bring_the_face_to_rest_but_one_missed_frame_does_not() -> None:
    a, b = FaceLink(), FaceLink()
    b.receive(sent(a, face(jaw=0.3), 0, 0.0), 0.0)
    before = shown(b, 0.0).jaw_pose[0]
    b.receive(sent(a, None, 40, 0.04), 0.04)
    assert shown(b, 0.06).jaw_pose[0] == before
    b.receive(sent(a, face(jaw=0.3), 80, 0.08), 0.08)
    for index in range(2, 30):
        now = index * FRAME_S + FRAME_S
        b.receive(sent(a, None, int(1000 * now), now), now)
        shown(b, now)
    assert shown(b, 1.2).jaw_pose[0] < 0.01
    assert b.silent_for(1.2) < 0.1
    b.receive(sent(a, face(jaw=0.3), 1240, 1.24), 1.24)
    woken = [float(shown(b, 1.24 + index * FRAME_S).jaw_pose[0]) for index in range(12)]
    assert np.diff(woken).max() < 0.6 * before
    assert woken[-1] == pytest.approx(before)


def test_an_impossible_leap_is_eased_and_a_fast_possible_move_is_not() -> None:
    a, b = FaceLink(), FaceLink()
    b.receive(sent(a, face(), 0, 0.0), 0.0)
    shown(b, 0.0)
    b.receive(sent(a, face(jaw=0.5, yaw=0.3), 40, 0.04), 0.04)
    np.testing.assert_allclose(shown(b, 0.04).to_vector(), face(jaw=0.5, yaw=0.3).to_vector(), atol=0.02)
    b.receive(sent(a, face(x=1.4), 80, 0.08), 0.08)
    positions = [float(shown(b, 0.08 + index * FRAME_S).translation[0]) for index in range(12)]
    assert np.diff([0.0, *positions]).max() <= 0.201
    assert positions[-1] == pytest.approx(1.4, abs=0.001)


def test_garbage_is_counted_by_reason_and_changes_nothing() -> None:
    a, b = FaceLink(), FaceLink()
    b.receive(sent(a, face(yaw=0.2), 0, 0.0), 0.0)
    before = shown(b, 0.0).to_vector()
    key = Packet.unpack(sent(a, face(), 40, 0.0))
    for data in (b"", b"\x00", b"\xff" * 40, bytes(2000), key.pack()[:-1], key.pack() + b"x"):
        b.receive(data, 0.01)
    assert b.stats.bad_packets == {"truncated": 2, "bad_version": 2, "too_long": 1, "trailing": 1}
    np.testing.assert_array_equal(shown(b, 0.02).to_vector(), before)
    assert not b.wants_key()
    b.receive(key.pack(), 0.03)
    assert b.newest_capture_ms == 40


def test_the_torso_travels_and_stays_where_it_is_when_the_face_rests() -> None:
    a, b = FaceLink(), FaceLink()
    for index in range(20):
        now = index * FRAME_S
        torso = np.array([0.1, 0, 0, 0.02, 0, 0]) * np.sin(index / 5)
        b.receive(sent(a, replace(face(yaw=0.2), torso=torso), 40 * index, now), now)
        a.receive(sent(b, None, int(1000 * now), now), now)
        np.testing.assert_allclose(shown(b, now).torso, torso, atol=6e-4)
    before = shown(b, 20 * FRAME_S).torso
    assert before[0] != 0
    rested = shown(b, 5.0)
    np.testing.assert_array_equal(rested.torso, before)
    assert a.stats.key_frames_out <= 2


def test_shoulders_that_leap_are_eased() -> None:
    a, b = FaceLink(), FaceLink()
    b.receive(sent(a, face(), 0, 0.0), 0.0)
    shown(b, 0.0)
    b.receive(sent(a, replace(face(), torso=np.array([0.5, 0, 0, 0, 0, 0])), 40, 0.04), 0.04)
    angles = [float(shown(b, 0.04 + index * FRAME_S).torso[0]) for index in range(4)]
    assert 0 < angles[0] <= 0.301
    assert angles[-1] == pytest.approx(0.5)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.binary(max_size=120), st.booleans(), st.integers(0, 2000))))
def test_receive_never_raises_and_current_is_always_a_face(packets: list[tuple[bytes, bool, int]]) -> None:
    a, b = FaceLink(), FaceLink()
    b.receive(sent(a, face(), 0, 0.0), 0.0)
    shown(b, 0.0)  # or an empty packet of a wholly other time might take its place
    for index, (tail, headed, bit) in enumerate(packets):
        now = index * 0.01
        good = bytearray(sent(a, face(jaw=0.1), index, now))
        good[bit // 8 % len(good)] ^= 1 << bit % 8
        b.receive(bytes([0x10 | bit % 4]) + tail if headed else bytes(good), now)
        assert np.abs(shown(b, now).to_vector()).max() <= 4.0
        a.receive(sent(b, None, index, now), now)


def test_a_lost_reference_asks_for_a_key_frame_once_in_a_while_and_gets_one() -> None:
    a, b = FaceLink(), FaceLink()
    sent(a, face(), 0, 0.0)
    forged = Packet(PacketKind.EMPTY, 0, 0, Ack(0)).pack()
    a.receive(forged, 0.0)
    for index in range(1, 7):
        b.receive(sent(a, face(), 40 * index, 0.0), index * FRAME_S)
    assert b.stats.bad_packets["unknown_reference"] == 6
    assert b.wants_key()
    assert not b.wants_key()
    a.key_requested()
    b.receive(sent(a, face(yaw=0.1), 400, 0.4), 0.4)
    assert b.newest_capture_ms == 400


def test_sequence_numbers_and_timestamps_wrap() -> None:
    a, b = FaceLink(), FaceLink()
    start = 2**32 - 40 * 65_550
    for index in range(65_600):
        now = index * FRAME_S
        data = sent(a, face(yaw=0.1) if index > 65_500 else None, start + 40 * index, now)
        if index % 100 and index < 65_500:
            continue
        b.receive(data, now)
        shown(b, now) if index > 65_500 else b.current(now)
        if index > 65_500:
            a.receive(sent(b, None, int(1000 * now), now), now)
    assert b.newest_capture_ms is not None
    assert b.newest_capture_ms % 2**32 == (start + 40 * 65_599) % 2**32 == 40 * 49
    assert b.stats.frames_shown == 99
    assert b.stats.stale == 0
    assert b.stats.key_frames_in == 1


def test_a_sender_that_starts_over_after_silence_is_followed() -> None:
    a, b = FaceLink(), FaceLink()
    for index in range(300):
        b.receive(sent(a, face(yaw=0.3), 40 * index, index * FRAME_S), index * FRAME_S)
        shown(b, index * FRAME_S)
    again = FaceLink()
    b.receive(sent(again, face(yaw=-0.3), 7, 0.0), 13.0)
    assert b.newest_capture_ms != 7
    b.receive(sent(again, face(yaw=-0.3), 8, 0.0), 19.0)
    assert b.newest_capture_ms == 8
    assert shown(b, 19.0).global_rotation[1] < 0.3
    assert b.shown_capture_ms == 8


def test_a_packet_is_due_after_half_a_second_or_four_unacknowledged_packets() -> None:
    a, b = FaceLink(), FaceLink()
    assert len(b.poll(0.0)) == 1
    assert b.poll(0.4) == []
    assert len(b.poll(0.5)) == 1
    for index in range(4):
        assert b.poll(0.6) == []
        b.receive(sent(a, face(), 40 * index, 0.6), 0.6)
    before = shown(b, 0.6).to_vector()
    a.receive(sign_of_life(b, 0.6), 0.6)
    assert b.poll(0.7) == []
    b.receive(sign_of_life(a, 1.2), 1.2)
    np.testing.assert_array_equal(shown(b, 1.05).to_vector(), before)


def test_a_flood_is_dropped() -> None:
    a, b = FaceLink(), FaceLink()
    for index in range(1000):
        b.receive(sent(a, face(), index, index / 1000), index / 1000)
    assert b.stats.bad_packets["too_many"] > 400
    b.receive(sent(a, face(), 5000, 5.0), 5.0)
    assert b.newest_capture_ms == 5000


def test_the_number_of_expression_dimensions_may_change_midway() -> None:
    b = FaceLink()
    b.receive(sent(FaceLink(expression_dims=50), face(jaw=0.2), 0, 0.0), 0.0)
    assert len(shown(b, 0.0).expression) == 50
    other = FaceLink(expression_dims=10, expression_bits=10)
    sent(other, face(), 0, 0.0)
    b.receive(sent(other, face(jaw=0.2), 40, 0.04), 0.04)
    params = shown(b, 0.04)
    np.testing.assert_allclose(params.expression, np.full(10, 0.8), atol=0.01)
