"""Which pictures a closed loop sees on its way to those that are asked for."""

from __future__ import annotations

import numpy as np
import pytest

from enrolment import follow as following
from enrolment.follow import follow
from renderer.head.open_head import load_open_head
from tests.support.drawn_takes import drawn_person, drawn_take
from tracker.closed_loop import Refined

PICTURES = 12


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[int | str]:
    """Indices of the pictures that a loop was shown, and where it was told to forget."""
    take, seen = drawn_take(PICTURES), []

    class Loop:
        def __init__(self, avatar, max_steps, corrections) -> None:
            pass

        def reset(self) -> None:
            seen.append("reset")

        def refine(self, picture, params, K) -> Refined:
            pictures = [i for i in range(PICTURES) if np.array_equal(take.recorded(i)[0], picture)]
            seen.append(pictures[0])
            return Refined(params, 0.1 * pictures[0], 1.0, 1)

    monkeypatch.setattr(following, "ClosedLoop", Loop)
    return seen


@pytest.mark.parametrize(
    ("asked", "lead_in", "shown"),
    [
        ([0, 1, 2], 0, [0, 1, 2]),
        ([0, 1, 2], 8, [0, 1, 2]),
        ([1, 2, 5], 8, [0, 1, 2, 3, 4, 5]),  # nothing is missed
        ([1, 2, 8, 9], 2, [0, 1, 2, 6, 7, 8, 9]),
        ([1, 2, 5, 6], 0, ["reset", 1, 2, "reset", 5, 6]),  # what is held out between them is not looked at
    ],
)
def test_a_loop_passes_what_a_sender_would_have_seen(seen, asked, lead_in, shown) -> None:
    take, head = drawn_take(PICTURES), load_open_head()
    found = follow(take, head, drawn_person(), asked, True, lead_in=lead_in)
    assert seen == shown
    np.testing.assert_array_equal(found.vectors()[:, :65], take.vectors[asked])
    np.testing.assert_allclose(found.losses, 0.1 * np.array(asked))
    assert len(found.closed_loop_ms) == sum(isinstance(each, int) for each in shown)


def test_an_open_loop_looks_at_no_picture(seen) -> None:
    found = follow(drawn_take(PICTURES), load_open_head(), drawn_person(), [3, 7], False, lead_in=4)
    assert seen == []
    assert len(found.params) == 2
    assert len(found.closed_loop_ms) == 0
