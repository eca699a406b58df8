"""Avatars in a directory, by the hash of their content.

    <root>/own/<id>.vav         the user's own avatars, kept until forgotten
    <root>/foreign/<id>.vav     what peers have sent: the least recently used go when the quota is reached

Several processes may share a root: files appear and disappear atomically, and each is verified when it is read.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from avatar_store.errors import AvatarStoreError
from avatar_store.files import write_whole
from avatar_store.guests import GUESTS_DIRECTORY, guest_bytes, list_guests
from codec.avatar_file import MAX_AVATAR_BYTES, unpack_avatar
from codec.avatar_file import avatar_id as id_of
from codec.avatar_id import is_avatar_id

DEFAULT_QUOTA_BYTES = 256 * 1024 * 1024
ABANDONED_S = 3600.0
"""Age at which an unfinished file is one that a killed process left behind."""


class AvatarStore:
    """A content-addressed directory of avatar files, in front of it the guests.

    Methods block on disk I/O of at most one avatar.

    Args:
        root: directory, made when something is put.
        quota_bytes: most that avatars of other people may take together.
        guests: directory of the guest avatars.
    """

    def __init__(self, root: Path, quota_bytes: int = DEFAULT_QUOTA_BYTES, *, guests: Path = GUESTS_DIRECTORY) -> None:
        self.root = root
        self._own = root / "own"
        self._foreign = root / "foreign"
        self._quota_bytes = quota_bytes
        self._guests = guests

    def get(self, avatar_id: str) -> bytes | None:
        """The avatar's file, verified; None if it is not here. A damaged file is removed."""
        with contextlib.suppress(AvatarStoreError):
            return guest_bytes(avatar_id, self._guests)
        for path in self._paths(avatar_id):
            data = _read(path)
            if data is None:
                continue
            if id_of(data) == avatar_id:
                with contextlib.suppress(OSError):
                    os.utime(path)
                return data
            path.unlink(missing_ok=True)
        return None

    def has(self, avatar_id: str) -> bool:
        """Whether the avatar is here, without reading it."""
        return self._is_guest(avatar_id) or any(path.is_file() for path in self._paths(avatar_id))

    def put(self, data: bytes, *, own: bool = False) -> str:
        """Stores an avatar file and returns its id. Guests and files that are here already are not written again.

        Args:
            data: the file.
            own: it is the user's: never evicted.

        Raises:
            AvatarFileError: not a valid avatar file.
            AvatarStoreError: larger than the quota, or the disk refuses.
        """
        unpack_avatar(data)
        avatar_id = id_of(data)
        if self._is_guest(avatar_id):
            return avatar_id
        path = (self._own if own else self._foreign) / f"{avatar_id}.vav"
        if _read(path) == data if own else self.get(avatar_id) is not None:
            return avatar_id
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not own:
                self._make_room(len(data))
            write_whole(path, data)
        except OSError as error:
            raise AvatarStoreError(f"The avatar cannot be stored in {path.parent}: {error.strerror}") from error
        return avatar_id

    def forget(self, avatar_id: str) -> bool:
        """Deletes an avatar for good, own or foreign; says whether it was here. Guests stay."""
        found = False
        for path in self._paths(avatar_id):
            with contextlib.suppress(FileNotFoundError):
                path.unlink()
                found = True
        return found

    def _is_guest(self, avatar_id: str) -> bool:
        with contextlib.suppress(AvatarStoreError):
            return any(guest.avatar_id == avatar_id for guest in list_guests(self._guests))
        return False

    def _paths(self, avatar_id: str) -> tuple[Path, ...]:
        if not is_avatar_id(avatar_id):
            return ()
        return (self._own / f"{avatar_id}.vav", self._foreign / f"{avatar_id}.vav")

    def _make_room(self, size: int) -> None:
        if size > self._quota_bytes:
            raise AvatarStoreError(f"An avatar of {size} bytes is larger than the store's quota")
        files: list[tuple[float, int, Path]] = []
        for path in self._foreign.iterdir():
            with contextlib.suppress(FileNotFoundError):
                status = path.stat()
                if path.suffix == ".vav":
                    files.append((status.st_mtime, status.st_size, path))
                elif time.time() - status.st_mtime > ABANDONED_S:
                    path.unlink()
        total = sum(file_size for _, file_size, _ in files)
        for _, file_size, path in sorted(files):
            if total + size <= self._quota_bytes:
                break
            path.unlink(missing_ok=True)
            total -= file_size


def default_store() -> AvatarStore:
    """The user's store: $VISAVIS_HOME/avatars, else $XDG_DATA_HOME/visavis/avatars, else ~/.local/share/..."""
    home = os.environ.get("VISAVIS_HOME")
    if home:
        return AvatarStore(Path(home) / "avatars")
    data_home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return AvatarStore(Path(data_home) / "visavis" / "avatars")


def _read(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(MAX_AVATAR_BYTES + 1)
    except OSError:
        return None
