"""An avatar that is named on the command line, on its head model."""

from __future__ import annotations

from pathlib import Path

from assets.store import default_asset_store
from avatar_store.guests import guest_bytes, list_guests
from avatar_store.handles import find_handle
from avatar_store.open_store import default_store
from codec.avatar_file import avatar_id, unpack_avatar
from codec.errors import AvatarFileError
from codec.paper_file import unpack_paper_avatar
from codec.paper_head import MAX_PAPER_BYTES, PAPER_MAGIC
from renderer.avatar.avatar_model import AvatarModel
from renderer.avatar.paper_model import PaperAvatarModel
from renderer.errors import HeadModelError
from renderer.head.model import HeadModel
from tracker.flame_install import find_head
from visavis.errors import CommandError


def load_avatar(named: str) -> AvatarModel | PaperAvatarModel:
    """The avatar, of either profile, ready to be drawn.

    Args:
        named: a guest's name, a name that the user gave to an avatar (avatar_store.handles), an id, or the path of an
            avatar file.

    Raises:
        CommandError: there is no such avatar, its file is none, or its head model is not installed.
        AvatarMismatchError: the file holds values that nothing can be drawn from.
    """
    return find_avatar(named)[1]


def find_avatar(named: str) -> tuple[str, AvatarModel | PaperAvatarModel]:
    """The id of an avatar, and the avatar; see `load_avatar`."""
    data = _avatar_bytes(named)
    try:
        if data.startswith(PAPER_MAGIC):
            paper = unpack_paper_avatar(data)
            return avatar_id(data), PaperAvatarModel(_head(paper.head_model_id, named), paper)
        asset = unpack_avatar(data)
    except AvatarFileError as error:
        raise CommandError(f"{named} is no avatar that can be read: {error}.") from error
    return avatar_id(data), AvatarModel(_head(asset.head_model_id, named), asset)


def _avatar_bytes(named: str) -> bytes:
    guests = list_guests()
    for guest in guests:
        if named.casefold() == guest.name.casefold() or named == guest.avatar_id:
            return guest_bytes(guest.avatar_id)
    store = default_store()
    own = store.get(find_handle(store.root, named) or named)
    if own is not None:
        return own
    path = Path(named)
    try:
        if path.is_file():
            with path.open("rb") as file:
                return file.read(MAX_PAPER_BYTES + 1)  # the larger of both limits; each reader knows its own
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise CommandError(f"{named} cannot be read: {reason}.") from error
    names = ", ".join(guest.name for guest in guests)
    raise CommandError(f"There is no avatar {named!r}: choose one of {names}, or name an avatar file (.vav, .vap).")


def _head(model_id: str, named: str) -> HeadModel:
    try:
        return find_head(model_id, default_asset_store())
    except HeadModelError as error:
        raise CommandError(
            f"{named} is made for a head model that is not here ({model_id[:12]}): if it is FLAME's, install that "
            "edition with `visavis assets install flame --from FILE`."
        ) from error
