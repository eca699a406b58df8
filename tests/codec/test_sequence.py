from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from codec.sequence import WINDOW, Arrival, DecodedWindow, SequenceWindow, add, is_newer


class NaiveWindow:
    """What DecodedWindow stands for: all positions there have been, without modulus."""

    def __init__(self, start: int) -> None:
        self.start, self.positions = start, set[int]()

    @property
    def newest(self) -> int | None:
        return add(self.start, max(self.positions)) if self.positions else None

    @property
    def earlier(self) -> int:
        return (
            sum((max(self.positions) - 1 - bit in self.positions) << bit for bit in range(8)) if self.positions else 0
        )


@given(
    st.integers(0, 65_535),
    st.lists(st.integers(-30, 12) | st.sampled_from([300, 32_767, 32_768, 65_400]), max_size=80),
)
def test_decoded_packets_are_remembered_as_a_set_would(start: int, steps: list[int]) -> None:
    window, naive, arrivals = DecodedWindow(), NaiveWindow(start), SequenceWindow()
    highest = 0
    for step in steps:  # from the newest packet, with or without frames: those that come are let through
        position = highest + step
        for between in range(highest + 30_000, position, 30_000):
            arrivals.add(add(start, between))
        highest = max(highest, position)
        if arrivals.classify(add(start, position)) is Arrival.STALE:
            continue
        arrivals.add(add(start, position))
        window.add(add(start, position))
        naive.positions.add(position)
        assert (window.newest, window.earlier) == (naive.newest, naive.earlier)


def test_nothing_is_acknowledged_before_anything_is_decoded() -> None:
    window = DecodedWindow()
    assert (window.newest, window.earlier) == (None, 0)
    window.add(7)
    assert (window.newest, window.earlier) == (7, 0)


@given(st.integers(0, 65_535))
def test_whatever_is_not_within_the_window_behind_is_newer(newest: int) -> None:
    assert {ahead for ahead in range(-200, 200) if not is_newer(add(newest, ahead), newest)} == {
        -behind for behind in range(WINDOW)
    }
    assert is_newer(add(newest, 32_768), newest)
