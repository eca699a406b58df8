"""Avatars by the hash of their content, in a directory or a bucket (docs/avatar-store.md).

    own/<id>.vav        the user's own avatars, kept until forgotten; their owner's key is in them
    foreign/<id>.vav    what peers have sent: the least recently used go when the quota is reached
    .../<id>.manifest   beside each, if there is one: the signed manifest

Several processes may share a store: objects appear and disappear atomically, and each is verified when it is read.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from avatar_store.acquaintances import Acquaintances
from avatar_store.backends.base import Backend, StoredObject
from avatar_store.backends.directory import DirectoryBackend
from avatar_store.errors import AvatarStoreError, ManifestError, NotTheOwner
from avatar_store.guests import GUESTS_DIRECTORY, guest_bytes, list_guests
from avatar_store.keys import OwnerKey, load_owner_key, passphrase_from_environment
from avatar_store.manifest import MAX_MANIFEST_BYTES, check_manifest, manifest_of, parse_manifest, sign_manifest
from codec.avatar_file import MAX_AVATAR_BYTES, unpack_avatar
from codec.avatar_file import avatar_id as id_of
from codec.avatar_id import is_avatar_id
from codec.avatar_owner import likeness_digest, owner_of, with_owner
from codec.errors import AvatarFileError

DEFAULT_QUOTA_BYTES = 256 * 1024 * 1024
OWN, FOREIGN = "own", "foreign"
FILE, MANIFEST = ".vav", ".manifest"


@dataclass(frozen=True)
class Entry:
    """An avatar as a listing shows it.

    Args:
        avatar_id: hex SHA-256.
        own: it is among the user's own.
        size: of the file in bytes.
        used: when it was last read or written, Unix time in seconds.
    """

    avatar_id: str
    own: bool
    size: int
    used: float


class AvatarStore:
    """Content-addressed avatar files, in front of them the guests.

    Methods block on I/O of at most one avatar, and raise AvatarStoreError where a disk or a bucket refuses.

    Args:
        root: local folder for what never leaves this machine: keys, names, profiles; made when something is put.
        quota_bytes: most that avatars of other people may take together.
        guests: directory of the guest avatars.
        backend: where the avatars are; None: in `root`.
    """

    def __init__(
        self,
        root: Path,
        quota_bytes: int = DEFAULT_QUOTA_BYTES,
        *,
        guests: Path = GUESTS_DIRECTORY,
        backend: Backend | None = None,
    ) -> None:
        self.root = root
        self.acquaintances = Acquaintances(root)
        self._objects: Backend = DirectoryBackend(root) if backend is None else backend
        self._quota_bytes = quota_bytes
        self._guests = guests
        self._key: OwnerKey | None = None

    def owner_key(self) -> OwnerKey:
        """The user's key, made on first use; its passphrase, if it has one, comes from the environment.

        Raises:
            KeyFileError: it cannot be used.
        """
        if self._key is None:
            self._key = load_owner_key(self.root, passphrase_from_environment())
        return self._key

    def get(self, avatar_id: str, *, use: bool = True) -> bytes | None:
        """The avatar's file, verified; None if it is not here. A damaged file is removed.

        Args:
            avatar_id: hex SHA-256.
            use: whether this counts as use, which keeps foreign ones here longer.
        """
        with contextlib.suppress(AvatarStoreError):
            return guest_bytes(avatar_id, self._guests)
        for name in _names(avatar_id):
            data = self._objects.get(name, MAX_AVATAR_BYTES)
            if data is None:
                continue
            if id_of(data) == avatar_id:
                if use:
                    with contextlib.suppress(AvatarStoreError):
                        self._objects.touch(name)
                return data
            self._objects.delete(name)
        return None

    def has(self, avatar_id: str) -> bool:
        """Whether the avatar is here, without reading it."""
        return self.is_guest(avatar_id) or any(self._objects.has(name) for name in _names(avatar_id))

    def is_guest(self, avatar_id: str) -> bool:
        """Whether it is one of the avatars that come with the program, which are nobody's."""
        with contextlib.suppress(AvatarStoreError):
            return any(guest.avatar_id == avatar_id for guest in list_guests(self._guests))
        return False

    def is_own(self, avatar_id: str) -> bool:
        """Whether it is among the user's own avatars."""
        return is_avatar_id(avatar_id) and self._objects.has(f"{OWN}/{avatar_id}{FILE}")

    def put(self, data: bytes, *, own: bool = False, extractor: str = "", manifest: str | None = None) -> str:
        """Stores an avatar file and returns its id. Guests and files that are here already are not written again.

        An own file without an owner gets the user's key, and with it another id; and a manifest, signed.

        Args:
            data: the file.
            own: it is the user's: never evicted.
            extractor: which tracker it was made with, if it is own.
            manifest: what its owner says of it, if it is not.

        Raises:
            AvatarFileError: not a valid avatar file.
            NotTheOwner: it is to be own, and is somebody else's.
            ManifestError: the manifest is not this file's, or not signed by its owner.
            KeyFileError: it is to be own, and the user's key cannot be used.
            AvatarStoreError: larger than the quota, or the disk refuses.
        """
        unpack_avatar(data)
        if self.is_guest(id_of(data)):
            return id_of(data)
        if own:
            return self._put_own(data, extractor)
        if manifest is not None:
            check_manifest(parse_manifest(manifest), data)
        avatar_id = id_of(data)
        if self.get(avatar_id) is None:
            self._make_room(len(data) + (0 if manifest is None else len(manifest.encode())))
            self._objects.put(f"{FOREIGN}/{avatar_id}{FILE}", data)
        if manifest is not None and self.get_manifest(avatar_id) is None:
            self._objects.put(f"{FOREIGN}/{avatar_id}{MANIFEST}", manifest.encode())
        return avatar_id

    def get_manifest(self, avatar_id: str) -> str | None:
        """The text of the avatar's manifest, its signature and the file verified; None if there is none.

        A damaged manifest is removed.
        """
        data = None
        for name in _names(avatar_id, MANIFEST):
            content = self._objects.get(name, MAX_MANIFEST_BYTES)
            if content is None:
                continue
            if data is None and (data := self.get(avatar_id, use=False)) is None:
                return None
            try:
                text = content.decode()
                check_manifest(parse_manifest(text), data)
            except (ManifestError, UnicodeDecodeError, AvatarFileError):
                self._objects.delete(name)
            else:
                return text
        return None

    def forget(self, avatar_id: str) -> bool:
        """Deletes an avatar for good, own or foreign; says whether it was here. Guests stay.

        Its manifest goes too, and so does the memory of whose likeness it is.
        """
        data = None if self.is_guest(avatar_id) else self.get(avatar_id, use=False)
        if data is not None:
            likeness = likeness_digest(data)
            if self.acquaintances.first_owner(likeness) == owner_of(data):
                self.acquaintances.forget(likeness)
        found = [self._objects.delete(name) for name in _names(avatar_id)]
        for name in _names(avatar_id, MANIFEST):
            self._objects.delete(name)
        return any(found)

    def entries(self) -> list[Entry]:
        """All avatars but the guests, the most recently used first."""
        found = [
            Entry(PurePosixPath(item.name).stem, folder == OWN, item.size, item.used)
            for folder in (OWN, FOREIGN)
            for item in self._files(folder)
        ]
        return sorted(found, key=lambda entry: entry.used, reverse=True)

    def _put_own(self, data: bytes, extractor: str) -> str:
        key = self.owner_key()
        if owner_of(data) not in (None, key.public):
            raise NotTheOwner("This avatar belongs to somebody else: only its owner can wear it.")
        data = with_owner(data, key.public)
        manifest = manifest_of(data, key, extractor, int(time.time()))
        text = sign_manifest(manifest, key)
        avatar_id = manifest.avatar_id
        name = f"{OWN}/{avatar_id}{FILE}"
        if self._objects.get(name, MAX_AVATAR_BYTES) != data:
            self._objects.put(name, data)
        if self.get_manifest(avatar_id) is None:
            self._objects.put(f"{OWN}/{avatar_id}{MANIFEST}", text.encode())
        self.acquaintances.remember(manifest.likeness, key.public, manifest.name, own=True)
        return avatar_id

    def _files(self, folder: str) -> list[StoredObject]:
        found = [(PurePosixPath(item.name), item) for item in self._objects.list(folder)]
        return [item for path, item in found if path.suffix == FILE and is_avatar_id(path.stem)]

    def _make_room(self, size: int) -> None:
        if size > self._quota_bytes:
            raise AvatarStoreError(f"An avatar of {size} bytes is larger than the store's quota")
        listed = self._objects.list(FOREIGN)
        sizes = {item.name: item.size for item in listed}
        total = sum(sizes.values())
        for item in sorted(listed, key=lambda item: item.used):
            path = PurePosixPath(item.name)
            if total + size <= self._quota_bytes:
                break
            if path.suffix == FILE:
                names = (item.name, str(path.with_suffix(MANIFEST)))
                for name in names:
                    self._objects.delete(name)
                total -= sum(sizes.get(name, 0) for name in names)


def _names(avatar_id: str, suffix: str = FILE) -> tuple[str, ...]:
    if not is_avatar_id(avatar_id):
        return ()
    return tuple(f"{folder}/{avatar_id}{suffix}" for folder in (OWN, FOREIGN))
