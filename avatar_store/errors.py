"""What can go wrong with stored avatars.

AvatarStoreError
├── UnknownAvatar           no such avatar here
├── KeyFileError            the owner's key cannot be used
│   └── PassphraseError     it needs another passphrase
└── ManifestError           a manifest cannot be believed
    ├── ManifestMalformed   it does not have the documented form
    ├── ManifestForged      its signature is not its owner's
    └── ManifestMismatch    the file is not the one that it describes
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


class NotTheOwner(AvatarStoreError):
    """An avatar of somebody else, which the user cannot wear or keep as their own."""


class KeyFileError(AvatarStoreError):
    """The file of the owner's key is damaged, readable by others, or cannot be read or written."""


class PassphraseError(KeyFileError):
    """The owner's key is locked and the passphrase is missing or wrong."""


class ManifestError(AvatarStoreError):
    """A manifest that cannot be believed."""


class ManifestMalformed(ManifestError):
    """A manifest that breaks a rule of docs/avatar-store.md; its signature was not looked at."""


class ManifestForged(ManifestError):
    """A manifest whose signature does not hold."""


class ManifestMismatch(ManifestError):
    """A manifest of another file."""
