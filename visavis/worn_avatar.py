"""An avatar that is named on the command line, on its head model."""

from __future__ import annotations

from pathlib import Path

from assets.store import default_asset_store
from avatar_store.guests import guest_bytes, list_guests
from codec.avatar_file import unpack_avatar
from codec.avatar_layout import MAX_AVATAR_BYTES
from codec.errors import AvatarFileError
from renderer.avatar.avatar_model import AvatarModel
from renderer.errors import HeadModelError
from renderer.head.model import HeadModel
from tracker.flame_install import find_head
from visavis.errors import CommandError


def load_avatar(named: str) -> AvatarModel:
    """The avatar, ready to be drawn.

    Args:
        named: a guest's name or id, or the path of an avatar file.

    Raises:
        CommandError: there is no such avatar, its file is none, or its head model is not installed.
        AvatarMismatchError: the file holds values that nothing can be drawn from.
    """
    try:
        asset = unpack_avatar(_avatar_bytes(named))
    except AvatarFileError as error:
        raise CommandError(f"{named} is no avatar that can be read: {error}.") from error
    return AvatarModel(_head(asset.head_model_id, named), asset)


def _avatar_bytes(named: str) -> bytes:
    guests = list_guests()
    for guest in guests:
        if named.casefold() == guest.name.casefold() or named == guest.avatar_id:
            return guest_bytes(guest.avatar_id)
    path = Path(named)
    try:
        if path.is_file():
            with path.open("rb") as file:
                return file.read(MAX_AVATAR_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise CommandError(f"{named} cannot be read: {reason}.") from error
    names = ", ".join(guest.name for guest in guests)
    raise CommandError(f"There is no avatar {named!r}: choose one of {names}, or name an avatar file (.vav).")


def _head(model_id: str, named: str) -> HeadModel:
    try:
        return find_head(model_id, default_asset_store())
    except HeadModelError as error:
        raise CommandError(
            f"{named} is made for a head model that is not here ({model_id[:12]}): if it is FLAME's, install that "
            "edition with `visavis assets install flame --from FILE`."
        ) from error
