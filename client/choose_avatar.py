"""Which avatar a bot wears."""

from __future__ import annotations

import hashlib
from pathlib import Path

from avatar_store.errors import UnknownAvatar
from avatar_store.guests import list_guests
from avatar_store.handles import find_handle
from avatar_store.wear import wear
from client.avatars import AvatarLibrary
from client.errors import ClientError
from codec.avatar_id import is_avatar_id
from codec.avatar_layout import MAX_AVATAR_BYTES
from codec.errors import AvatarFileError


def choose_avatar(wanted: str | None, bot_name: str, library: AvatarLibrary) -> str:
    """The avatar id for a bot: what `wanted` names, or always the same guest for a bot's name.

    Args:
        wanted: an id, a guest's name, a name that the user gave to an avatar (avatar_store.handles), or the path of an
            avatar file, which is put into the store. Own avatars without an owner get the user's key, and another id.
        bot_name: of the bot.
        library: the avatars that there are.

    Raises:
        ClientError: there is nothing of that name, or the file is no avatar.
        NotTheOwner: it is somebody else's.
        AvatarStoreError: the file cannot be put into the store, or the user's key cannot be used.
    """
    if wanted is None:
        digest = hashlib.sha256(bot_name.encode()).digest()
        return library.guest_ids[digest[0] % len(library.guest_ids)]
    if is_avatar_id(wanted):
        return _worn(library, wanted)
    guests = {guest.name.casefold(): guest.avatar_id for guest in list_guests()}
    found = guests.get(wanted.casefold()) or find_handle(library.store.root, wanted)
    if found is not None:
        return _worn(library, found)
    path = Path(wanted)
    if not path.is_file():
        raise ClientError(f"There is no guest avatar {wanted!r}: choose one of {', '.join(sorted(guests))}.")
    try:
        with path.open("rb") as file:
            return library.store.put(file.read(MAX_AVATAR_BYTES + 1), own=True)
    except (OSError, AvatarFileError) as error:
        raise ClientError(f"{wanted} is no avatar that can be read.") from error


def _worn(library: AvatarLibrary, avatar_id: str) -> str:
    if avatar_id in library.guest_ids:
        return avatar_id
    try:
        return wear(library.store, avatar_id).avatar_id
    except UnknownAvatar:
        return avatar_id  # whoever loads it says so
