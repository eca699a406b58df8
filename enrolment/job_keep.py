"""Where the avatars of an enrolment go: into the user's store, or to a file. They belong to the user."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from avatar_store.errors import AvatarStoreError
from avatar_store.keys import OwnerKey
from avatar_store.manifest import manifest_of, manifest_path, sign_manifest
from avatar_store.store import AvatarStore
from codec.avatar_file import avatar_id
from enrolment.checkpoint import write_bytes
from enrolment.job_types import JobError, Kept
from enrolment.owned import owned
from tracker.face_tracker import FaceTracker
from tracker.profile import PersonProfile, ProfileError


class StoreKeeper:
    """Keeps avatars as the user's own, with the person beside them as `<id>.profile`.

    Args:
        store: the user's store.
        profiles: folder for the profiles.

    Raises:
        KeyFileError: the user's key cannot be used.
    """

    def __init__(self, store: AvatarStore, profiles: Path) -> None:
        self._store, self._profiles = store, profiles
        self._owner = store.owner_key().public
        self._mine: str | None = None

    def keep(self, data: bytes, person: PersonProfile | None) -> Kept:
        """See enrolment.job_types.AvatarKeeper."""
        data, person = owned(data, person, self._owner)
        new = avatar_id(data)
        was_here = self._store.has(new)
        try:
            self._store.put(data, own=True, extractor=FaceTracker.name)
        except AvatarStoreError as error:
            raise JobError(f"{error}.") from error
        profile = None
        if person is not None:
            profile = self._profile(new)
            _save_profile(person, profile)
        if self._mine is not None and self._mine != new:
            self._forget(self._mine)
        if not was_here:
            self._mine = new
        elif self._mine != new:
            self._mine = None
        return Kept(new, new, len(data), profile)

    def _forget(self, avatar: str) -> None:
        with suppress(OSError):
            self._store.forget(avatar)
            self._profile(avatar).unlink(missing_ok=True)

    def _profile(self, avatar: str) -> Path:
        return self._profiles / f"{avatar}.profile"


class FileKeeper:
    """Writes avatars to one file, with the person beside it under the same name with `.profile`.

    Args:
        path: the avatar file.
        key: the user's, for the owner in the file and the manifest beside it (`<path>.manifest`); None: neither, as
            with files of profile `paper`, which nobody wears.
    """

    def __init__(self, path: Path, key: OwnerKey | None = None) -> None:
        self._path, self._key = path, key

    def keep(self, data: bytes, person: PersonProfile | None) -> Kept:
        """See enrolment.job_types.AvatarKeeper."""
        manifest = None
        if self._key is not None:
            data, person = owned(data, person, self._key.public)
            manifest = sign_manifest(manifest_of(data, self._key, FaceTracker.name, int(time.time())), self._key)
        try:
            write_bytes(self._path, data)
            if manifest is not None:
                write_bytes(manifest_path(self._path), manifest.encode())
        except OSError as error:
            raise JobError(f"{self._path} cannot be written: {error.strerror}.") from error
        profile = None
        if person is not None:
            profile = self._path.with_suffix(".profile")
            _save_profile(person, profile)
        return Kept(avatar_id(data), str(self._path), len(data), profile)


def _save_profile(person: PersonProfile, path: Path) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        person.save(partial)
        partial.replace(path)
    except ProfileError as error:
        raise JobError(str(error).replace(str(partial), str(path))) from error
    except OSError as error:
        raise JobError(f"The profile {path} cannot be written: {error.strerror}.") from error
    finally:
        with suppress(OSError):
            partial.unlink()
