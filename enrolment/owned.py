"""Avatars that are made here belong to who makes them: the owner's key goes in before anybody uses their id."""

from __future__ import annotations

from dataclasses import replace

from codec.avatar_file import avatar_id
from codec.avatar_owner import with_owner
from tracker.profile import PersonProfile


def owned(data: bytes, person: PersonProfile | None, owner: bytes) -> tuple[bytes, PersonProfile | None]:
    """An avatar file with its owner in it, and its person as somebody who wears that file.

    Args:
        data: the file.
        person: whose likeness it is; their avatar id follows if it is the file's.
        owner: public key (avatar_store.keys).

    Raises:
        AvatarFileError: it is no avatar file, or somebody else's.
    """
    stamped = with_owner(data, owner)
    if person is not None and person.avatar_id == avatar_id(data):
        person = replace(person, avatar_id=avatar_id(stamped))
    return stamped, person
