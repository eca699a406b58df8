"""When one viewer's pictures are begun and when they go out. Sans-IO."""

from __future__ import annotations

from collections.abc import Set

FRAME_PERIOD_S = 1 / 26
"""Cameras are asked for 25 pictures a second; a little less, so that no head loses one to the clock's jitter."""


class PictureTiming:
    """Heads are asked for as soon as they are due; a picture begins with that, at most 26 times a second, takes in who
    comes to be due until it goes out, and goes out when all of them have been drawn.

    It waits no longer than a period: a head that takes longer appears in the next picture, and is not waited for again
    until it is on time once.
    """

    def __init__(self) -> None:
        self.next_at = 0.0
        """From when on the next picture may begin, seconds."""
        self._begun_at: float | None = None
        self._asked_at: dict[str, float] = {}
        self._given_up: set[str] = set()
        self._slow: set[str] = set()
        self._fresh = False
        self._longest_s = 0.0

    @property
    def begun(self) -> bool:
        """Whether a picture is in work."""
        return self._begun_at is not None

    @property
    def asked(self) -> Set[str]:
        """Heads that have been asked for and are not done."""
        return self._asked_at.keys()

    @property
    def deadline(self) -> float:
        """When the picture in work goes out whatever is missing, if there is anything new in it."""
        return (self._begun_at or 0.0) + FRAME_PERIOD_S

    def ask(self, member_id: str, now: float) -> None:
        """A head is due and has been asked for."""
        self._asked_at[member_id] = now

    def change(self) -> None:
        """The next picture is new even without newly drawn heads."""
        self._fresh = True

    def begin(self, now: float) -> bool:
        """Begins a picture if it is time and there is or will be something new; whether one is in work now."""
        if self._begun_at is None and now >= self.next_at and (self._fresh or self._asked_at):
            self._begun_at = now
        return self._begun_at is not None

    def drew(self, member_id: str, now: float, *, new: bool) -> None:
        """A head that was asked for is done; `new`: there is something to show."""
        took_s = now - self._asked_at.pop(member_id, now)
        self._longest_s = max(self._longest_s, took_s)
        (self._slow.add if took_s > FRAME_PERIOD_S else self._slow.discard)(member_id)
        self._given_up.discard(member_id)
        self._fresh |= new

    def forget(self, member_id: str) -> None:
        """The head is gone, and nobody draws it."""
        self._asked_at.pop(member_id, None)
        self._given_up.discard(member_id)
        self._slow.discard(member_id)

    def goes_out(self, now: float) -> bool:
        """Whether the picture in work is to be put together now; ends one in which nothing new came about."""
        if self._begun_at is None:
            return False
        if self._fresh:
            return now >= self.deadline or not self.asked - self._slow - self._given_up
        if not self._asked_at:
            self._begun_at = None
        return False

    def taken(self) -> None:
        """Its parts are being put together; what is drawn from now on is for the next one."""
        self._fresh = False
        self._given_up = set(self._asked_at)

    def sent(self, now: float) -> float:
        """It went out; returns how long it took, or a head that it did not wait for, seconds."""
        assert self._begun_at is not None
        since = min(self._asked_at.values(), default=now)
        longest_s = max(now - self._begun_at, now - since, self._longest_s)
        self.next_at = self._begun_at + FRAME_PERIOD_S
        self._begun_at, self._longest_s = None, 0.0
        return longest_s
