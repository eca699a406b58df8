"""What can go wrong on the way from a recording to an avatar; every message is one sentence for the person."""

from __future__ import annotations


class EnrolmentError(Exception):
    """Nothing can be learned from what was given."""


class TakeError(EnrolmentError):
    """A recording, a photo or a stored take is of no use."""


class TakeStopped(EnrolmentError):
    """Reading was told to stop before it was done."""
