"""A one-place mailbox between threads: the newest item wins, because only the newest camera frame matters."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class NewestSlot(Generic[T]):
    """Holds at most one item."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._item: T | None = None
        self._closed = False

    def put(self, item: T) -> None:
        """Replaces the waiting item, if any."""
        with self._condition:
            self._item = item
            self._condition.notify()

    def take(self) -> T | None:
        """Waits for the next item; None once the slot has been closed."""
        with self._condition:
            while self._item is None and not self._closed:
                self._condition.wait()
            item, self._item = self._item, None
            return None if self._closed else item

    def close(self) -> None:
        """Wakes the taker for good."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()
