"""When the closed loop is to run."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tracker.profile import PersonProfile


class LoopMode(StrEnum):
    """What somebody wants; AUTO: where the profile says that the avatar is a likeness of the person."""

    AUTO = "auto"
    ON = "on"
    OFF = "off"


def why_open(mode: LoopMode, person: PersonProfile | None, avatar_id: str | None) -> str | None:
    """Why the closed loop does not run, as the end of a sentence; None if it runs.

    Args:
        mode: what is wanted.
        person: whom the tracker expects.
        avatar_id: what is worn, if anything.
    """
    if mode is LoopMode.OFF:
        return "it is switched off"
    if avatar_id is None:
        return "no avatar is named"
    if mode is LoopMode.ON:
        return None
    if person is None:
        return "there is no profile to say that the avatar is a likeness of this person"
    if person.avatar_id is None:
        return "the profile names no avatar: `visavis enroll` makes those that do"
    return None if person.avatar_id == avatar_id else "the profile names another avatar"
