"""Objects as files of a directory, made when something is put."""

from __future__ import annotations

import os
import time
from pathlib import Path

from avatar_store.backends.base import StoredObject
from avatar_store.errors import AvatarStoreError
from avatar_store.files import write_whole

ABANDONED_S = 3600.0
"""Age at which an unfinished file is one that a killed process left behind."""
_ABSENT = (FileNotFoundError, NotADirectoryError)


class DirectoryBackend:
    """See the module and avatar_store.backends.base.Backend. The time of last use is that of the file's change.

    Args:
        root: the directory.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def get(self, name: str, limit: int) -> bytes | None:
        """See Backend."""
        try:
            with (self.root / name).open("rb") as file:
                return file.read(limit + 1)
        except _ABSENT:
            return None
        except OSError as error:
            raise self._error("read", name, error) from error

    def has(self, name: str) -> bool:
        """See Backend."""
        return (self.root / name).is_file()

    def put(self, name: str, data: bytes) -> None:
        """See Backend."""
        path = self.root / name
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._sweep(path.parent)
            write_whole(path, data)
        except OSError as error:
            raise AvatarStoreError(f"The avatar cannot be stored in {path.parent}: {error.strerror}") from error

    def delete(self, name: str) -> bool:
        """See Backend."""
        try:
            (self.root / name).unlink()
        except _ABSENT:
            return False
        except OSError as error:
            raise self._error("deleted", name, error) from error
        return True

    def touch(self, name: str) -> None:
        """See Backend."""
        try:
            os.utime(self.root / name)
        except _ABSENT:
            return
        except OSError as error:
            raise self._error("marked as used", name, error) from error

    def list(self, folder: str) -> list[StoredObject]:
        """See Backend."""
        found: list[StoredObject] = []
        try:
            for entry in os.scandir(self.root / folder):
                try:
                    status = entry.stat()
                except FileNotFoundError:
                    continue  # another process has just removed it
                if entry.is_file():
                    found.append(StoredObject(f"{folder}/{entry.name}", status.st_size, status.st_mtime))
        except _ABSENT:
            return []
        except OSError as error:
            raise self._error("listed", folder, error) from error
        return found

    def _sweep(self, folder: Path) -> None:
        for path in folder.glob("*.part"):
            try:
                if time.time() - path.stat().st_mtime > ABANDONED_S:
                    path.unlink()
            except FileNotFoundError:
                continue

    def _error(self, what: str, name: str, error: OSError) -> AvatarStoreError:
        return AvatarStoreError(f"{self.root / name} cannot be {what}: {error.strerror}")
