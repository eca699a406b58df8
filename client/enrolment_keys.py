"""Who may wear an avatar that was made here: whoever knows its key.

Everybody in a room learns everybody's avatar id, so the id alone must not do. The key is derived from the id with a
secret of the store: nothing is to be looked up, and processes that share a store accept each other's keys.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from avatar_store.errors import AvatarStoreError

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
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Written aside and linked: of two processes that begin at once, one wins, and nobody reads half a file.
        aside = self._path.with_suffix(f".{secrets.token_hex(8)}")
        if not self._path.exists():
            descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(secrets.token_bytes(SECRET_BYTES))
                with contextlib.suppress(FileExistsError):
                    os.link(aside, self._path)
            finally:
                os.unlink(aside)
        data = self._path.read_bytes()
        if len(data) != SECRET_BYTES:
            raise AvatarStoreError(f"{self._path} is damaged; without it, remembered heads have to be made anew.")
        return data
