"""The avatars that people have made here of themselves: kept until they delete them, worn by nobody else."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from avatar_store.errors import AvatarStoreError
from avatar_store.wear import wear
from client.avatars import AvatarLibrary
from client.enrolment_keys import OwnerKeys
from codec.avatar_file import avatar_id as id_of
from codec.avatar_owner import owner_of, with_owner
from enrolment.owned import owned
from tracker.face_tracker import FaceTracker
from tracker.profile import PersonProfile, ProfileError


class OwnAvatars:
    """See the module. What the tracker knows of each person is kept beside their avatar, as `visavis enroll` does it.

    Args:
        library: where they are.
    """

    def __init__(self, library: AvatarLibrary) -> None:
        self._library = library
        self._store = library.store
        self._keys = OwnerKeys(library.store.root)

    async def stamp(self, data: bytes, person: PersonProfile | None) -> tuple[bytes, PersonProfile | None]:
        """An avatar that was made here with its owner in it, and its person (enrolment.owned).

        Raises:
            CodecError: it is no avatar.
            AvatarStoreError: the owner's key cannot be used.
        """
        return await asyncio.to_thread(lambda: owned(data, person, self._store.owner_key().public))

    async def keep(self, data: bytes, person: PersonProfile | None = None) -> tuple[str, str]:
        """Keeps an avatar file for good, as `stamp` made it, and its person; returns its id and its key.

        Raises:
            CodecError: it is no avatar.
            AvatarStoreError: it cannot be stored.
        """

        def put() -> tuple[str, str]:
            avatar_id = self._store.put(data, own=True, extractor=FaceTracker.name)
            if person is not None:
                try:
                    person.save(self._profile(avatar_id))
                except ProfileError as error:
                    raise AvatarStoreError(str(error)) from error
            return avatar_id, self._keys.key(avatar_id)

        return await asyncio.to_thread(put)

    async def has(self, avatar_id: str, key: str) -> bool:
        """Whether it is here and the key is its key.

        Raises:
            AvatarStoreError: the keys cannot be read.
        """
        return await asyncio.to_thread(lambda: self._keys.fits(avatar_id, key) and self._store.has(avatar_id))

    async def may_wear(self, avatar_id: str, key: str | None) -> bool:
        """Whether somebody with this key, or none, may show themselves with the avatar.

        Raises:
            AvatarStoreError: the keys cannot be read.
        """
        if avatar_id in self._library.guest_ids:
            return True
        return key is not None and await asyncio.to_thread(self._keys.fits, avatar_id, key)

    async def worn(self, avatar_id: str) -> str:
        """The id under which an avatar that may be worn is shown, its manifest signed (avatar_store.wear).

        Raises:
            UnknownAvatar: it is not here.
            CodecError: it is no avatar.
            AvatarStoreError: the owner's key cannot be used.
        """
        return (await asyncio.to_thread(wear, self._store, avatar_id)).avatar_id

    async def forget(self, avatar_id: str, key: str) -> bool:
        """Deletes it; says whether it was here.

        Raises:
            AvatarStoreError: the keys cannot be read.
        """

        def delete() -> bool:
            if not self._keys.fits(avatar_id, key):
                return False
            self._profile(avatar_id).unlink(missing_ok=True)
            data = self._store.get(avatar_id, use=False)
            if data is not None and owner_of(data) is None and self._store.is_own(avatar_id):
                # One from before there were owners: wearing it has put a copy with one beside it.
                self._store.forget(id_of(with_owner(data, self._store.owner_key().public)))
            return self._store.forget(avatar_id)

        return await asyncio.to_thread(delete)

    async def person(self, avatar_id: str) -> PersonProfile | None:
        """Whose avatar it is, if that is known."""

        def load() -> PersonProfile | None:
            with contextlib.suppress(ProfileError):
                return PersonProfile.load(self._profile(avatar_id))
            return None

        return await asyncio.to_thread(load)

    def _profile(self, avatar_id: str) -> Path:
        return self._store.root / "own" / f"{avatar_id}.profile"
