"""The avatars that people have made here of themselves: kept until they delete them, worn by nobody else."""

from __future__ import annotations

import asyncio

from client.avatars import AvatarLibrary
from client.enrolment_keys import OwnerKeys


class OwnAvatars:
    """See the module.

    Args:
        library: where they are.
    """

    def __init__(self, library: AvatarLibrary) -> None:
        self._library = library
        self._store = library.store
        self._keys = OwnerKeys(library.store.root)

    async def keep(self, data: bytes) -> tuple[str, str]:
        """Keeps an avatar file for good; returns its id and its key.

        Raises:
            CodecError: it is no avatar.
            AvatarStoreError: it cannot be stored.
        """

        def put() -> tuple[str, str]:
            avatar_id = self._store.put(data, own=True)
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

    async def forget(self, avatar_id: str, key: str) -> bool:
        """Deletes it; says whether it was here.

        Raises:
            AvatarStoreError: the keys cannot be read.
        """
        fits = await asyncio.to_thread(self._keys.fits, avatar_id, key)
        return fits and await asyncio.to_thread(self._store.forget, avatar_id)
