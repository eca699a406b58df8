"""The guest avatars that come with the program (avatar_store/data/guests, made by a script from CC0 data)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from avatar_store.errors import AvatarStoreError, UnknownAvatar
from codec.avatar_file import avatar_id as id_of
from codec.avatar_id import is_avatar_id

GUESTS_DIRECTORY = Path(__file__).parent / "data" / "guests"


@dataclass(frozen=True)
class Guest:
    """A guest avatar.

    Args:
        avatar_id: hex SHA-256 of the file.
        name: for people.
        file: path of the avatar file.
        thumbnail: path of a picture of it.
    """

    avatar_id: str
    name: str
    file: Path
    thumbnail: Path


@lru_cache(maxsize=4)
def list_guests(directory: Path = GUESTS_DIRECTORY) -> tuple[Guest, ...]:
    """The guests in the order of guests.json, which is a list of objects with the fields of Guest (plain file names).

    Raises:
        AvatarStoreError: the directory is incomplete: the installation is damaged.
    """
    try:
        entries = json.loads((directory / "guests.json").read_text("utf-8"))
        guests = tuple(_guest(directory, entry) for entry in entries)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise AvatarStoreError(f"The guest avatars in {directory} cannot be listed: {error}") from error
    return guests


def guest_bytes(avatar_id: str, directory: Path = GUESTS_DIRECTORY) -> bytes:
    """The file of a guest avatar.

    Raises:
        UnknownAvatar: no guest has this id.
        AvatarStoreError: its file is missing or is not what guests.json says.
    """
    for guest in list_guests(directory):
        if guest.avatar_id == avatar_id:
            return _read(guest)
    raise UnknownAvatar(avatar_id)


def _read(guest: Guest) -> bytes:
    try:
        data = guest.file.read_bytes()
    except OSError as error:
        raise AvatarStoreError(f"The guest avatar {guest.file} cannot be read: {error.strerror}") from error
    if id_of(data) != guest.avatar_id:
        raise AvatarStoreError(f"The guest avatar {guest.file} is damaged")
    return data


def _guest(directory: Path, entry: dict[str, Any]) -> Guest:
    texts = [cast(str, entry[field]) for field in ("avatar_id", "name", "file", "thumbnail")]
    avatar_id, name, file, thumbnail = texts
    if not is_avatar_id(avatar_id) or any(Path(text).name != text for text in (file, thumbnail)):
        raise ValueError(f"{name!r} has a malformed id or file name")
    return Guest(avatar_id, name, directory / file, directory / thumbnail)
