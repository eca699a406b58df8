"""Who may wear an avatar that was made here: whoever knows its key.

Everybody in a room learns everybody's avatar id, so the id alone must not do. The key is derived from the id with a
secret of the store: nothing is to be looked up, and processes that share a store accept each other's keys.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from pathlib import Path

from avatar_store.errors import AvatarStoreError
from avatar_store.files import write_first

SECRET_BYTES = 32
KEY_CHARS = 64
"""Hexadecimal digits of a key."""


class OwnerKeys:
    """See the module. Methods block on the disk.

    Args:
        root: of the store; the secret is in its file `owner.key`.
    """

    def __init__(self, root: Path) -> None:
        self._path = root / "owner.key"
        self._secret = b""

    def key(self, avatar_id: str) -> str:
        """The key of an avatar.

        Raises:
            AvatarStoreError: the secret can neither be read nor written.
        """
        return hmac.new(self._load(), avatar_id.encode(), hashlib.sha256).hexdigest()

    def fits(self, avatar_id: str, key: str) -> bool:
        """Whether this is the avatar's key.

        Raises:
            AvatarStoreError: the secret can neither be read nor written.
        """
        return hmac.compare_digest(self.key(avatar_id).encode(), key.encode())

    def _load(self) -> bytes:
        if len(self._secret) != SECRET_BYTES:
            try:
                self._secret = self._read_or_make()
            except OSError as error:
                raise AvatarStoreError(f"{self._path} cannot be used: {error.strerror}") from error
        return self._secret

    def _read_or_make(self) -> bytes:
        if not self._path.exists():
            write_first(self._path, secrets.token_bytes(SECRET_BYTES))
        data = self._path.read_bytes()
        if len(data) != SECRET_BYTES:
            raise AvatarStoreError(f"{self._path} is damaged; without it, remembered heads have to be made anew.")
        return data
