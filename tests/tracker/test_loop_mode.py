from __future__ import annotations

from types import SimpleNamespace

import pytest

from tracker.corrections import Corrections
from tracker.loop_mode import LoopMode, why_open
from tracker.refined_tracker import Likeness

MINE, OTHER = "1a" * 32, "2b" * 32
KNOWN = Corrections.none()


def person(avatar_id: str | None):
    return SimpleNamespace(avatar_id=avatar_id, corrections=KNOWN)


@pytest.mark.parametrize(
    ("mode", "whose", "worn", "reason"),
    [
        (LoopMode.AUTO, person(MINE), MINE, None),
        (LoopMode.AUTO, person(OTHER), MINE, "another avatar"),
        (LoopMode.AUTO, person(None), MINE, "names no avatar"),
        (LoopMode.AUTO, None, MINE, "no profile"),
        (LoopMode.AUTO, person(MINE), None, "no avatar is named"),
        (LoopMode.ON, None, MINE, None),
        (LoopMode.ON, person(OTHER), MINE, None),
        (LoopMode.ON, None, None, "no avatar is named"),
        (LoopMode.OFF, person(MINE), MINE, "switched off"),
    ],
)
def test_the_loop_runs_against_ones_own_avatar(mode, whose, worn, reason) -> None:
    found = why_open(mode, whose, worn)
    assert found is None if reason is None else reason in (found or "")


def test_corrections_are_used_only_with_the_avatar_that_they_belong_to() -> None:
    avatar = SimpleNamespace()
    assert Likeness.of(avatar, MINE, person(MINE)).corrections is KNOWN  # pyright: ignore[reportArgumentType]
    assert Likeness.of(avatar, OTHER, person(MINE)).corrections is None  # pyright: ignore[reportArgumentType]
    assert Likeness.of(avatar, MINE, None).corrections is None  # pyright: ignore[reportArgumentType]
