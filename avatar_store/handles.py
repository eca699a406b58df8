"""Short names that the user gives to avatars of their own: `<root>/own/<handle>.handle` holds the id."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

from avatar_store.errors import AvatarStoreError
from avatar_store.files import write_whole
from avatar_store.guests import list_guests
from codec.avatar_id import is_avatar_id

_HANDLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")


def check_handle(handle: str) -> None:
    """Makes sure that an avatar can have this handle.

    Raises:
        AvatarStoreError: it has other characters than letters, digits, - and _, more than 32 of them, or is a guest's
            name.
    """
    if not _HANDLE.fullmatch(handle):
        raise AvatarStoreError(
            f"{handle[:64]!r} is no name for an avatar: take at most 32 letters, digits, - and _, or a path that ends "
            "with .vav."
        )
    if handle.casefold() in {guest.name.casefold() for guest in list_guests()}:
        raise AvatarStoreError(f"{handle} is a guest's name: take another one.")


def set_handle(root: Path, handle: str, avatar_id: str) -> None:
    """Lets the handle mean this avatar from now on.

    Args:
        root: of the store (avatar_store.store).
        handle: see `check_handle`; upper and lower case are the same.
        avatar_id: of an avatar of the user's own.

    Raises:
        AvatarStoreError: the handle cannot be one, or the disk refuses.
    """
    check_handle(handle)
    path = _path(root, handle)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(path, avatar_id.encode("ascii"))
    except OSError as error:
        raise AvatarStoreError(f"The name {handle} cannot be kept in {path.parent}: {error.strerror}.") from error


def find_handle(root: Path, handle: str) -> str | None:
    """The id of the avatar that the handle means, None if it means none."""
    if not _HANDLE.fullmatch(handle):
        return None
    with contextlib.suppress(OSError, ValueError), _path(root, handle).open("rb") as file:
        avatar_id = file.read(65).decode("ascii")
        return avatar_id if is_avatar_id(avatar_id) else None
    return None


def list_handles(root: Path) -> dict[str, str]:
    """The id that each handle means."""
    names = sorted(path.stem for path in (root / "own").glob("*.handle"))
    return {name: avatar_id for name in names if (avatar_id := find_handle(root, name)) is not None}


def remove_handles(root: Path, avatar_id: str) -> None:
    """Takes from an avatar all handles that mean it.

    Raises:
        AvatarStoreError: the disk refuses.
    """
    for handle, meant in list_handles(root).items():
        if meant == avatar_id:
            try:
                _path(root, handle).unlink(missing_ok=True)
            except OSError as error:
                raise AvatarStoreError(f"The name {handle} cannot be removed: {error.strerror}.") from error


def _path(root: Path, handle: str) -> Path:
    return root / "own" / f"{handle.casefold()}.handle"
