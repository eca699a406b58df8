"""What can go wrong with stored avatars.

AvatarStoreError
└── UnknownAvatar       no such avatar here
"""

from __future__ import annotations


class AvatarStoreError(Exception):
    """The store cannot do what it was asked; the message says why."""


class UnknownAvatar(AvatarStoreError):
    """An avatar that is not here.

    Args:
        avatar_id: what was asked for.
    """

    def __init__(self, avatar_id: str) -> None:
        super().__init__(f"There is no avatar {avatar_id[:64]!r} here")
        self.avatar_id = avatar_id
