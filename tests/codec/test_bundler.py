from __future__ import annotations

import pytest

from codec.bundler import PATIENCE, Bundler
from codec.burst_packet import MAX_INTERVAL_MS

HOLD_S = 0.04


def bundle_sizes(interval_ms: float, hold_s: float, count: int = 60) -> list[int]:
    """How many faces go at a time, from a camera that is a millisecond early or late."""
    bundler, sizes = Bundler(), list[int]()
    for index in range(count):
        time_ms = round(index * interval_ms) + index % 2
        bundler.add(time_ms, time_ms / 1000)
        if bundler.full(hold_s):
            sizes.append(bundler.waiting)
            bundler.sent()
    return sizes


@pytest.mark.parametrize(
    ("rate", "hold_s", "size"),
    [
        (25, HOLD_S, 2),
        (30, HOLD_S, 2),
        (15, HOLD_S, 1),
        (60, HOLD_S, 3),
        (25, 2 * HOLD_S, 3),
        (25, 0.0, 1),
    ],
)
def test_bundles_are_as_large_as_the_budget_allows(rate: int, hold_s: float, size: int) -> None:
    sizes = bundle_sizes(1000 / rate, hold_s)
    assert sizes[0] == 1  # how fast the camera is, nobody knows yet
    assert set(sizes[1:]) == {size}
    assert all((size - 1) / rate <= hold_s + 0.1 / rate for size in sizes)


def test_when_the_camera_stops_what_waits_goes_after_its_patience() -> None:
    bundler = Bundler()
    for time_ms in (0, 40):
        bundler.add(time_ms, time_ms / 1000)
        bundler.sent()
    assert bundler.deadline() is None
    bundler.add(80, 0.085)
    assert not bundler.full(HOLD_S)
    assert bundler.deadline() == pytest.approx(0.085 + PATIENCE * 0.04)
    bundler.add(120, 0.125)
    assert bundler.deadline() == pytest.approx(0.085 + (1 + PATIENCE) * 0.04)
    bundler.sent()
    assert bundler.deadline() is None


def test_one_late_picture_does_not_change_the_bundles() -> None:
    bundler, sizes, time_ms = Bundler(), list[int](), 0
    for index in range(40):
        time_ms += 120 if index == 20 else 40
        bundler.add(time_ms, time_ms / 1000)
        if bundler.full(HOLD_S):
            sizes.append(bundler.waiting)
            bundler.sent()
    assert set(sizes[1:]) == {2}


@pytest.mark.parametrize("gap_ms", [MAX_INTERVAL_MS + 1, 0, -40])
def test_after_a_gap_the_rhythm_is_learned_anew(gap_ms: int) -> None:
    bundler = Bundler()
    for time_ms in range(0, 400, 40):
        bundler.add(time_ms, time_ms / 1000)
        bundler.sent()
    bundler.add(360 + gap_ms, 1.0)
    assert bundler.full(HOLD_S)
    assert bundler.deadline() is None
    bundler.sent()
    bundler.add(360 + gap_ms + 100, 1.1)
    assert bundler.full(HOLD_S)  # now a camera of 10 pictures a second
