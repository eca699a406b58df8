"""When one viewer's pictures are begun and when they go out. Sans-IO."""

from __future__ import annotations

from collections.abc import Collection, Set

FRAME_PERIOD_S = 1 / 26
"""Cameras are asked for 25 pictures a second; a little less, so that no head loses one to the clock's jitter."""


class PictureTiming:
    """A picture is begun when something is due, at most 26 times a second, and goes out when all of it has been drawn.

    It waits no longer than a period: a head that takes longer appears in the next picture, and is not waited for again
    until it has been on time once.
    """

    def __init__(self) -> None:
        self.next_at = 0.0
        """From when on the next picture may be begun, seconds."""
        self._begun_at: float | None = None
        self._missing: set[str] = set()
        self._asked_at: dict[str, float] = {}
        self._slow: set[str] = set()
        self._fresh = False
        self._longest_s = 0.0

    @property
    def begun(self) -> bool:
        """Whether a picture is in work."""
        return self._begun_at is not None

    @property
    def fresh(self) -> bool:
        """Whether there is something that no picture has shown yet."""
        return self._fresh

    @property
    def deadline(self) -> float:
        """When the picture in work goes out whatever is missing, if there is anything new in it."""
        return (self._begun_at or 0.0) + FRAME_PERIOD_S

    def may_begin(self, now: float) -> bool:
        """Whether it is time for a new picture."""
        return self._begun_at is None and now >= self.next_at

    def begin(self, due: Collection[str], now: float, *, changed: bool = False) -> None:
        """Begins a picture.

        Args:
            due: heads that have been asked for.
            now: time, seconds.
            changed: it is new even without them.
        """
        self._begun_at = now
        self._fresh |= changed
        self._asked_at.update(dict.fromkeys(due, now))
        self._missing = set(due) - self._slow

    def drew(self, member_id: str, now: float, *, new: bool) -> None:
        """A head that was asked for is done; `new`: there is something to show."""
        took_s = now - self._asked_at.pop(member_id, now)
        self._longest_s = max(self._longest_s, took_s)
        if took_s > FRAME_PERIOD_S:
            self._slow.add(member_id)
        else:
            self._slow.discard(member_id)
        self._missing.discard(member_id)
        self._fresh |= new

    @property
    def asked(self) -> Set[str]:
        """Heads that have been asked for and are not done."""
        return self._asked_at.keys()

    def forget(self, member_id: str) -> None:
        """The head is gone, and nobody draws it."""
        self._asked_at.pop(member_id, None)
        self._missing.discard(member_id)
        self._slow.discard(member_id)

    def goes_out(self, now: float) -> bool:
        """Whether the picture in work is to be put together now; ends one in which nothing new came about."""
        if self._begun_at is None:
            return False
        if self._fresh:
            return not self._missing or now >= self.deadline
        if not self._asked_at:
            self._begun_at = None
        return False

    def taken(self) -> None:
        """Its parts are being put together; what is drawn from now on is for the next one."""
        self._fresh = False

    def sent(self, now: float) -> float:
        """It went out; returns how long it took, or a head that it did not wait for, seconds."""
        assert self._begun_at is not None
        since = min(self._asked_at.values(), default=now)
        longest_s = max(now - self._begun_at, now - since, self._longest_s)
        self.next_at = self._begun_at + FRAME_PERIOD_S
        self._begun_at, self._longest_s = None, 0.0
        return longest_s
