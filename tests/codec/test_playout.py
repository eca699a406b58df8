from __future__ import annotations

import math
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.params import FaceParams
from codec.playout import (
    FASTER,
    LONGEST_MS,
    MAX_WAITING,
    MEMORY,
    RESTART_AFTER,
    RESTART_MS,
    USUAL_MS,
    WIDEST_MS,
    Playout,
)

INTERVAL_MS = 40
LINK_MS = 25


def face(time_ms: float) -> FaceParams:
    """One that says when it was captured: the jaw opens by a thousandth in a millisecond."""
    neutral = FaceParams.neutral(10)
    return FaceParams.from_vector(np.concatenate([neutral.to_vector()[:16], [time_ms / 1000], np.zeros(8)]))


def opened_ms(params: FaceParams | None) -> float:
    assert params is not None
    return 1000 * float(params.jaw_pose[0])


def shown_ms(playout: Playout, now_ms: float) -> int | None:
    shown = playout.at(now_ms / 1000)
    return None if shown is None else shown[0]


def play(
    playout: Playout, arrivals: list[tuple[float, int]], until_ms: int, when_told: bool = False
) -> list[tuple[int, int]]:
    """(when, which) of each change; `arrivals` are (when, which frame).

    Who looks does so every millisecond, or `when_told` by next_change, and when something arrives.
    """
    waiting, changes, alarm_ms = sorted(arrivals), list[tuple[int, int]](), 0.0
    for now_ms in range(until_ms):
        while waiting and waiting[0][0] <= now_ms:
            at_ms, time_ms = waiting.pop(0)
            playout.add(time_ms, face(time_ms), at_ms / 1000)
            alarm_ms = now_ms
        if when_told and now_ms < alarm_ms:
            continue
        time_ms = shown_ms(playout, now_ms)
        following = playout.next_change(now_ms / 1000)
        alarm_ms = math.inf if following is None else 1000 * following
        if time_ms is not None and (not changes or changes[-1][1] != time_ms):
            changes.append((now_ms, time_ms))
    return changes


def test_nothing_is_shown_before_the_first_frame() -> None:
    playout = Playout()
    assert playout.at(1.0) is None
    assert playout.next_change(1.0) is None
    assert playout.added_ms == 0
    assert playout.add(5, None, 1.0)
    assert playout.next_change(1.0) == 1.0
    assert playout.at(1.0) == (5, None)


def test_on_a_steady_link_frames_are_shown_as_they_come() -> None:
    frames = range(0, 2000, INTERVAL_MS)
    playout = Playout()
    changes = play(playout, [(time_ms + LINK_MS, time_ms) for time_ms in frames], 2100)
    assert changes == [(time_ms + LINK_MS, time_ms) for time_ms in frames]
    assert playout.added_ms == 0


def test_bundled_frames_are_shown_in_the_rhythm_of_their_capture() -> None:
    frames = range(0, 4000, INTERVAL_MS)
    arrivals = [(time_ms - time_ms % 80 + 40 + LINK_MS, time_ms) for time_ms in frames]
    changes = play(Playout(), [(float(at_ms), time_ms) for at_ms, time_ms in arrivals], 4100)
    assert [time_ms for _, time_ms in changes] == list(frames)
    steady = np.diff([at_ms for at_ms, _ in changes[4:]])
    assert steady.min() >= INTERVAL_MS - 1
    assert steady.max() <= INTERVAL_MS + 1


def test_frames_in_any_order_are_shown_in_theirs() -> None:
    random = Random(3)
    frames = range(0, 12_000, INTERVAL_MS)
    arrivals = [(time_ms + LINK_MS + 90 * random.random(), time_ms) for time_ms in frames]
    changes = play(Playout(), arrivals, 12_200)
    times = [time_ms for _, time_ms in changes]
    assert times == sorted(set(times))
    real = set(times) & set(frames)
    assert len(real) > 0.9 * len(frames)


def test_a_frame_that_comes_after_a_newer_one_is_dropped() -> None:
    playout = Playout()
    assert playout.add(0, face(0), 0.0)
    assert playout.add(200, face(200), 0.2)
    assert shown_ms(playout, 200) == 200
    assert not playout.add(100, face(100), 0.21)
    assert not playout.add(200, face(200), 0.21)
    assert shown_ms(playout, 220) == 200


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 60), st.integers(-900, 900), st.booleans()), min_size=2, max_size=80))
def test_time_never_goes_back(events: list[tuple[int, int, bool]]) -> None:
    """As long as no frame is so far out of its time that a new stream begins."""
    playout, now_ms, before = Playout(), 0, -10_000
    for step_ms, behind_ms, seen in events:
        now_ms += step_ms
        time_ms = now_ms - behind_ms
        playout.add(time_ms, face(time_ms) if seen else None, now_ms / 1000)
        shown = playout.at(now_ms / 1000)
        if shown is not None:
            assert shown[0] >= before
            before, params = shown
            if params is not None:
                assert opened_ms(params) <= before + USUAL_MS
        following = playout.next_change(now_ms / 1000)
        assert following is None or following >= now_ms / 1000
        assert 0 <= playout.added_ms <= LONGEST_MS + 1000 * 2


def jittered(count: int, jitter_ms: float, start: int = 0) -> list[tuple[float, int]]:
    random = Random(8)
    times = range(start, start + count * INTERVAL_MS, INTERVAL_MS)
    return [(time_ms + LINK_MS + jitter_ms * random.random(), time_ms) for time_ms in times]


def test_the_wait_grows_with_jitter_and_shrinks_without() -> None:
    playout, count = Playout(), 3 * MEMORY
    end_ms = count * INTERVAL_MS
    play(playout, jittered(count, 0), end_ms)
    assert playout.added_ms == 0
    arrivals = jittered(count, 80, end_ms)
    changes = [change for change in play(playout, arrivals, 2 * end_ms) if change[0] > 1.5 * end_ms]
    assert 50 < playout.added_ms <= 80
    assert len(changes) > 0.9 * count / 2
    off_beat = np.abs(np.diff([at_ms for at_ms, _ in changes]) - INTERVAL_MS)
    assert np.mean(off_beat <= 2) > 0.8
    play(playout, jittered(count, 0, 2 * end_ms), 3 * end_ms)
    assert playout.added_ms < 5


def test_the_wait_is_limited() -> None:
    playout = Playout()
    play(playout, jittered(4 * MEMORY, 1500), 4 * MEMORY * INTERVAL_MS)
    assert LONGEST_MS / 2 < playout.added_ms <= LONGEST_MS + 1


def test_faces_at_half_rate_are_interpolated() -> None:
    frames = range(0, 2000, 2 * USUAL_MS)
    playout, seen = Playout(), list[tuple[int, float]]()
    for time_ms in frames:  # each comes before the last one's time is over
        playout.add(time_ms, face(time_ms), 0.001 * time_ms)
        playout.add(time_ms + 2 * USUAL_MS, face(time_ms + 2 * USUAL_MS), 0.001 * time_ms)
        for now_ms in range(time_ms, time_ms + 2 * USUAL_MS):
            shown = playout.at(now_ms / 1000)
            assert shown is not None
            seen.append((shown[0], opened_ms(shown[1])))
    times = [time_ms for time_ms, _ in seen]
    assert times == sorted(times)
    assert set(np.diff(sorted(set(times[200:])))) == {USUAL_MS}
    assert all(time_ms == pytest.approx(opened, abs=0.01) for time_ms, opened in seen)


def pair(width_ms: int, first: FaceParams | None, second: FaceParams | None) -> Playout:
    """The first one is shown, the second one waits."""
    playout = Playout()
    playout.add(0, first, 0.0)
    assert shown_ms(playout, 0) == 0
    playout.add(width_ms, second, 0.0)
    return playout


@pytest.mark.parametrize(
    ("width_ms", "first", "second"),
    [
        (WIDEST_MS + 1, face(0), face(WIDEST_MS + 1)),
        (2 * USUAL_MS, None, face(2 * USUAL_MS)),
        (2 * USUAL_MS, face(0), None),
        (2 * USUAL_MS, face(0), FaceParams.neutral(50)),
    ],
)
def test_nothing_lies_between_faces_that_do_not_belong_together(
    width_ms: int, first: FaceParams | None, second: FaceParams | None
) -> None:
    playout = pair(width_ms, first, second)
    until = playout.next_change(0.0)
    assert until is not None
    for now_ms in range(int(1000 * until) - 2):
        assert playout.at(now_ms / 1000) == (0, first)
    assert playout.at(until) == (width_ms, second)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(1, 150), st.integers(0, 300)), min_size=1, max_size=25))
def test_who_looks_when_told_to_sees_what_others_see(frames: list[tuple[int, int]]) -> None:
    """Each frame as soon as who looks all the time, but for what the wait may shrink until the next change."""
    arrivals, time_ms = list[tuple[float, int]](), 0
    for interval_ms, delay_ms in frames:
        time_ms += interval_ms
        arrivals.append((float(time_ms + delay_ms), time_ms))
    captured = {which_ms for _, which_ms in arrivals}
    end_ms, patience_ms = time_ms + 1000, 2 + FASTER * 2 * USUAL_MS
    seen = play(Playout(), arrivals, end_ms)
    told = {which_ms: at_ms for at_ms, which_ms in play(Playout(), arrivals, end_ms, when_told=True)}
    for (at_ms, which_ms), (until_ms, _) in pairwise([*seen, (end_ms, 0)]):
        if which_ms in captured and until_ms - at_ms > patience_ms:
            assert told[which_ms] - at_ms <= patience_ms


def test_a_frame_that_comes_between_two_others_is_asked_for_in_its_time() -> None:
    playout = pair(3 * USUAL_MS, face(0), face(3 * USUAL_MS))
    assert shown_ms(playout, 2 * USUAL_MS) == 2 * USUAL_MS  # interpolated
    between_ms = 2 * USUAL_MS + 5
    playout.add(between_ms, face(between_ms), (between_ms - 3) / 1000)
    assert playout.next_change((between_ms - 3) / 1000) == pytest.approx(between_ms / 1000)
    assert shown_ms(playout, between_ms) == between_ms


def test_a_clock_that_was_set_begins_a_new_stream() -> None:
    playout = Playout()
    play(playout, jittered(50, 30), 2000)
    for jump_ms in (10 * RESTART_MS, -10 * RESTART_MS):
        begins_ms = 2000 + int(jump_ms)
        times = [begins_ms + index for index in range(RESTART_AFTER)]
        assert [playout.add(time_ms, face(time_ms), 2.1) for time_ms in times] == [*[False] * (RESTART_AFTER - 1), True]
        assert shown_ms(playout, 2100) == times[-1]
        assert playout.added_ms == 0
    assert playout.streams == 2


def test_frames_that_come_seconds_late_are_left_out() -> None:
    playout = Playout()
    play(playout, jittered(50, 30), 2000)
    before, added_ms = shown_ms(playout, 2000), playout.added_ms
    for index in range(3 * RESTART_AFTER):
        now_ms = 2000 + 40 * index
        if index % RESTART_AFTER:
            assert not playout.add(-5000 - index, face(-5000), now_ms / 1000)
        else:
            assert playout.add(now_ms - 30, face(now_ms - 30), now_ms / 1000)
    shown = shown_ms(playout, 2400)
    assert shown is not None
    assert before is not None
    assert shown > before
    assert playout.added_ms == pytest.approx(added_ms, abs=40)
    assert playout.streams == 0


def test_repeats_of_what_was_shown_say_nothing_about_the_link() -> None:
    frames = range(0, 4000, INTERVAL_MS)
    arrivals = [(time_ms + LINK_MS + wait_ms, time_ms) for time_ms in frames for wait_ms in (0, 2 * INTERVAL_MS)]
    playout = Playout()
    changes = play(playout, [(float(at_ms), time_ms) for at_ms, time_ms in arrivals], 4200)
    assert changes == [(time_ms + LINK_MS, time_ms) for time_ms in frames]


def test_a_restart_shows_nothing_until_there_is_a_frame() -> None:
    playout = pair(2 * USUAL_MS, face(0), face(2 * USUAL_MS))
    playout.restart()
    assert playout.at(0.1) is None
    assert playout.next_change(0.1) is None
    playout.add(-500, face(-500), 0.2)
    assert shown_ms(playout, 200) == -500


def test_a_heap_of_frames_is_limited_and_keeps_the_newest() -> None:
    playout = Playout()
    for index in range(5 * MAX_WAITING):
        playout.add(index, face(index), 0.0)
    assert shown_ms(playout, 0) is not None
    playout.at(10.0)
    assert shown_ms(playout, 10_000) == 5 * MAX_WAITING - 1
