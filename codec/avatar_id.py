"""Avatar ids as they come from peers: checked before they become file names."""

from __future__ import annotations

import re

_AVATAR_ID = re.compile(r"[0-9a-f]{64}")


def is_avatar_id(text: str) -> bool:
    """Whether `text` is a lower-case hex SHA-256 and nothing else."""
    return _AVATAR_ID.fullmatch(text) is not None
