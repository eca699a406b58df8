"""Two ends of a link in profile `range`: what one sends is what the other shows, on good links and on bad ones."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest

from codec.burst_coding import BurstEncoder, NumberedFace
from codec.burst_packet import DELAY_UNIT_MS, MAX_FRAMES, VERSION, BurstKind, BurstPacket
from codec.face_link import ACK_EVERY, EG0, KEEPALIVE_S, RANGE, FaceLink
from codec.face_receiver import FRAMES_PER_COUNT, MOST_AT_ONCE
from codec.face_sender import EMPTY_EVERY_S
from codec.params import FaceParams
from codec.range_steps import DEAD_ZONE, RangeConfig
from codec.rate_control import LADDER
from tests.support.face_calls import INTERVAL_MS, Call, Face, talks


def error_in_steps(shown: FaceParams, wanted: FaceParams, quality: int = LADDER[0].quality) -> float:
    steps = RangeConfig(50, quality).steps
    off = np.abs(steps.exact(shown) - steps.exact(wanted))
    return float(off[np.array(steps.limits) > 0].max())


def assert_shown(call: Call, viewer: int, first_ms: int, last_ms: int, face: Face = talks) -> None:
    """Every face from `first_ms` to `last_ms`, each no further off than the dead zone of the finest step allows."""
    for time_ms in range(first_ms, last_ms, INTERVAL_MS):
        wanted = face(time_ms)
        assert wanted is not None
        assert error_in_steps(call.shown[viewer][time_ms], wanted) <= 1 - DEAD_ZONE + 1e-3


def test_faces_arrive_both_ways_with_one_key_frame_each() -> None:
    call = Call()
    call.run(4000)
    for index, link in enumerate(call.links):
        assert_shown(call, index, INTERVAL_MS, 3800)
        assert link.stats.key_frames_in <= 3  # until the first acknowledgement is back
        assert (link.stats.stale, link.stats.lost, dict(link.stats.bad_packets)) == (0, 0, {})
        assert link.stats.bytes_out == sum(call.sizes(index))
        assert link.stats.packets_out == len(call.sizes(index)) < 3 / 4 * 4000 / INTERVAL_MS
        assert not link.wants_key()


def test_two_profiles_understand_each_other() -> None:
    call = Call(RANGE, EG0)
    call.run(2000)
    assert_shown(call, 1, INTERVAL_MS, 1800)
    assert len(call.shown[0]) > 40
    assert {data[0] >> 4 for _, sender, data in call.sent if sender == 1} == {1}
    assert {data[0] >> 4 for _, sender, data in call.sent if sender == 0} == {VERSION}
    assert all(link.stats.key_frames_in <= 3 and not link.stats.bad_packets for link in call.links)


def test_the_profile_may_change_at_any_time() -> None:
    call, counts = Call(EG0, EG0), list[int]()
    for turn, profile in enumerate((EG0, RANGE, RANGE, EG0, RANGE)):
        for link in call.links:
            link.speak(profile)
        call.run(1000 * (turn + 1))
        counts.append(call.links[0].stats.key_frames_out)
    for index, link in enumerate(call.links):
        assert len(set(range(INTERVAL_MS, 4800, INTERVAL_MS)) & set(call.shown[index])) >= 4800 / INTERVAL_MS - 4
        assert not link.stats.bad_packets
        assert link.stats.key_frames_in == link.stats.key_frames_out
    assert counts == sorted(counts)
    assert counts[0] < counts[1] == counts[2] < counts[3] < counts[4]


def test_fewer_expression_coefficients_are_shown_as_such() -> None:
    call = Call(dims=10)
    call.run(1000)
    face = call.links[1].current(1.0)
    assert face is not None
    assert len(face.expression) == 10


def test_a_lossy_link_shows_nearly_all_frames_and_never_a_wrong_one() -> None:
    call = Call()
    call.run(3000, loss=0.1)
    call.run(9000, loss=0.1)
    for index, link in enumerate(call.links):
        frames = set(range(3000, 8800, INTERVAL_MS))
        shown = frames & set(call.shown[index])
        assert len(shown) > 0.93 * len(frames)
        assert link.stats.lost > 5
        assert not link.stats.bad_packets
        for time_ms in shown:
            off = error_in_steps(call.shown[index][time_ms], talks(time_ms))
            assert off < 3  # an interpolated one may be as old as the frame that came too late


def test_after_a_burst_of_loss_the_link_goes_on_without_a_key_request() -> None:
    call = Call()
    call.run(2000)
    call.run(2600, loss=1.0)
    call.run(5000)
    for index, link in enumerate(call.links):
        assert_shown(call, index, 3200, 4800)
        assert not link.wants_key()
        assert link.stats.bad_packets == {}


def test_a_receiver_that_starts_over_asks_for_a_key_frame_and_gets_one() -> None:
    call = Call()
    call.run(1000)
    call.links = call.links[0], FaceLink(profile=RANGE)
    call.run(1200)
    assert call.links[1].stats.bad_packets["unknown_reference"] > 0
    assert call.links[1].wants_key()
    call.links[0].key_requested()
    call.shown[1].clear()
    call.run(2000)
    assert_shown(call, 1, 1320, 1800)
    assert not call.links[1].wants_key()


def test_a_face_that_goes_is_sent_to_its_last_frame_and_then_rests() -> None:
    call = Call()
    call.run(2020)
    call.run(4000, faces=(lambda _: None, talks))
    assert max(call.shown[1]) == 2000
    rested = call.links[1].current(4.0)
    assert rested is not None
    assert max(np.abs(getattr(rested, name)).max() for name in ("expression", "jaw_pose", "gaze")) < 0.01
    np.testing.assert_allclose(rested.translation, talks(2000).translation, atol=0.001)
    empty = [time_ms for time_ms, sender, data in call.sent if sender == 0 and time_ms > 2060 and data[0] & 3 == 0]
    assert np.diff(empty).min() >= 1000 * EMPTY_EVERY_S
    assert len(empty) > 10
    call.run(6000)
    assert_shown_soon(call, 4500)


def assert_shown_soon(call: Call, since_ms: int) -> None:
    """Once a face that came back has been approached."""
    for time_ms in range(since_ms - since_ms % INTERVAL_MS, 5800, INTERVAL_MS):
        assert error_in_steps(call.shown[1][time_ms], talks(time_ms)) < 1


def test_the_torso_travels() -> None:
    def leaning(time_ms: int) -> FaceParams:
        return replace(talks(time_ms), torso=np.array([0.1, 0, 0, 0.02, 0, 0]) * np.sin(time_ms / 300))

    call = Call()
    call.run(2000, faces=(leaning, leaning))
    assert_shown(call, 1, INTERVAL_MS, 1800, leaning)


def test_what_waits_goes_when_the_camera_stops() -> None:
    link = FaceLink(profile=RANGE)
    packets = [packet for index in range(4) for packet in link.send(talks(40 * index), 40 * index, 0.04 * index)]
    deadline = link.deadline()
    assert deadline is not None
    assert link.poll(deadline - 0.001) == []
    (last,) = link.poll(deadline)
    assert link.deadline() is None
    other = FaceLink()
    for data in (*packets, last):
        other.receive(data, 0.2)
    assert other.newest_capture_ms == 120
    assert link.poll(deadline + KEEPALIVE_S - 0.001) == []
    assert len(link.poll(deadline + KEEPALIVE_S + 0.001)) == 1


def test_acknowledgements_do_not_wait_for_a_face() -> None:
    speaker, listener = FaceLink(profile=RANGE), FaceLink(profile=RANGE)
    assert len(listener.poll(0.0)) == 1
    count, now_ms = 0, 0
    while count < ACK_EVERY:
        assert listener.poll(0.001 * now_ms) == []
        for data in speaker.send(talks(now_ms), now_ms, 0.001 * now_ms):
            listener.receive(data, 0.001 * now_ms)
            count += 1
        now_ms += INTERVAL_MS
    (data,) = listener.poll(0.001 * now_ms)
    key_frames = speaker.stats.key_frames_out
    speaker.receive(data, 0.001 * now_ms)
    for index in range(4):
        speaker.send(talks(now_ms + 40 * index), now_ms + 40 * index, 0.001 * now_ms + 0.04 * index)
    assert speaker.stats.key_frames_out == key_frames


@pytest.mark.parametrize("interval_ms", [8, 16, 40, 300])
def test_packets_of_faces_that_leap_about_are_not_too_long(interval_ms: int) -> None:
    random = Random(1)
    speaker, listener = FaceLink(profile=RANGE), FaceLink(profile=RANGE)
    for index in range(400):
        now = index * interval_ms / 1000
        far = np.full(71, 9 if index % 2 else -9, np.float32)
        for data in speaker.send(FaceParams.from_vector(far[:65], far[65:]), index * interval_ms, now):
            if random.random() < 0.9:
                listener.receive(data, now)
        for data in listener.poll(now):
            speaker.receive(data, now)
    assert speaker.stats.packets_out > 40
    assert not listener.stats.bad_packets


@pytest.mark.parametrize(
    ("frames", "counted"), [(1, 1), (FRAMES_PER_COUNT, 1), (MAX_FRAMES, MAX_FRAMES / FRAMES_PER_COUNT)]
)
def test_a_flood_is_dropped_the_sooner_the_more_there_is_to_decode(frames: int, counted: float) -> None:
    link, encoder = FaceLink(), BurstEncoder()
    faces = [NumberedFace(index, index, talks(0)) for index in range(frames)]
    for index in range(1000):
        burst = encoder.encode(faces, RangeConfig(), index)
        link.receive(BurstPacket(BurstKind.FACES, index, index, burst=burst).pack(), 0.0)
    assert link.stats.bad_packets == {"too_many": 1000 - MOST_AT_ONCE / counted}
    assert link.newest_capture_ms == MOST_AT_ONCE / counted - 1


def test_a_face_that_waits_goes_before_the_news_that_there_is_none() -> None:
    link = FaceLink(profile=RANGE)
    for time_ms in (0, 40):
        link.send(talks(time_ms), time_ms, time_ms / 1000)
    assert link.deadline() is not None
    packets = link.send(None, 80, 0.08)
    assert [BurstPacket.unpack(data).kind for data in packets] == [BurstKind.FACES, BurstKind.EMPTY]
    assert link.deadline() is None


@pytest.mark.parametrize(("tracker_ms", "queue_ms"), [(300, 0), (0, 300)])
def test_a_slow_tracker_is_no_slow_link(tracker_ms: int, queue_ms: int) -> None:
    speaker, listener = FaceLink(profile=RANGE), FaceLink(profile=RANGE)
    told: list[float] = []
    for index in range(200):
        now, late = index * INTERVAL_MS / 1000, index >= 100
        for data in speaker.send(talks(0), index * INTERVAL_MS - late * tracker_ms, now):
            listener.receive(data, now + late * queue_ms / 1000)
        for data in listener.poll(now + late * queue_ms / 1000):
            report = BurstPacket.unpack(data).report
            told += [report.delay_ms] if report else []
    assert told[-1] == pytest.approx(queue_ms, abs=0.1 * queue_ms + DELAY_UNIT_MS)


def test_the_quality_of_a_link_is_told_on_both_sides() -> None:
    speaker, listener = FaceLink(profile=RANGE), FaceLink(profile=RANGE)
    assert (speaker.quality.loss_in, speaker.quality.loss_out, speaker.quality.rate_step) == (0, 0, 0)
    for index in range(200):
        now = index * INTERVAL_MS / 1000
        for number, data in enumerate(speaker.send(talks(INTERVAL_MS * index), INTERVAL_MS * index, now)):
            if (speaker.stats.packets_out + number) % 4:
                listener.receive(data, now)
        for data in listener.poll(now):
            speaker.receive(data, now)
    assert listener.quality.loss_in == pytest.approx(0.25, abs=0.03)
    assert speaker.quality.loss_out == pytest.approx(0.25, abs=0.03)
    assert (speaker.quality.loss_in, listener.quality.loss_out) == (0, 0)
