"""The avatars of a store as `visavis avatars` shows, moves and deletes them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avatar_store.errors import AvatarStoreError, ManifestError
from avatar_store.files import write_whole
from avatar_store.guests import list_guests
from avatar_store.handles import check_handle, find_handle, list_handles, remove_handles, set_handle
from avatar_store.keys import fingerprint
from avatar_store.manifest import (
    MAX_MANIFEST_BYTES,
    Manifest,
    check_manifest,
    manifest_path,
    parse_manifest,
)
from avatar_store.store import AvatarStore
from codec.avatar_file import avatar_id, unpack_avatar
from codec.avatar_id import is_avatar_id
from codec.avatar_layout import MAGIC, MAX_AVATAR_BYTES, AvatarHeader, split_sections, version_of
from codec.avatar_owner import likeness_digest, owner_of
from codec.errors import AvatarFileError
from visavis.errors import CommandError

_PREFIX = re.compile(r"[0-9a-f]{4,64}")


@dataclass(frozen=True)
class Shelved:
    """An avatar that was named on the command line.

    Args:
        avatar_id: hex SHA-256.
        data: the file.
        kind: `own`, `foreign`, `guest`, or `file` for one that is not in the store.
        manifest: its text, not verified; None if there is none.
    """

    avatar_id: str
    data: bytes
    kind: str
    manifest: str | None


def find_shelved(store: AvatarStore, named: str) -> Shelved:
    """What a guest's name, a handle, an id or the beginning of one (4 digits), or a path names.

    Raises:
        CommandError: nothing, or several avatars, or a file that cannot be read.
        AvatarStoreError: the store cannot be used.
    """
    guests = {guest.name.casefold(): guest.avatar_id for guest in list_guests()}
    found = guests.get(named.casefold()) or find_handle(store.root, named) or _by_prefix(store, named)
    if found is not None:
        data = store.get(found, use=False)
        if data is None:
            raise CommandError(f"The avatar {found[:12]} is not in the store any more.")
        return Shelved(found, data, kind_of(store, found), store.get_manifest(found))
    path = Path(named)
    if not _is_file(path):
        raise CommandError(f"There is no avatar {named[:200]!r}: `visavis avatars list` shows those that there are.")
    data = _read(path, MAX_AVATAR_BYTES)
    beside = manifest_path(path)
    manifest = _read(beside, MAX_MANIFEST_BYTES).decode(errors="replace") if _is_file(beside) else None
    return Shelved(avatar_id(data), data, "file", manifest)


def kind_of(store: AvatarStore, avatar: str) -> str:
    """`guest`, `own` or `foreign`."""
    return "guest" if store.is_guest(avatar) else "own" if store.is_own(avatar) else "foreign"


def shelf(store: AvatarStore) -> list[dict[str, Any]]:
    """All avatars, guests last; what is damaged is left out, and removed from the store."""
    handles = list_handles(store.root)
    rows: list[dict[str, Any]] = []
    for entry in store.entries():
        data = store.get(entry.avatar_id, use=False)
        if data is not None:
            rows.append(_row(store, entry.avatar_id, data, handles) | {"used": round(entry.used)})
    for guest in list_guests():
        data = store.get(guest.avatar_id)
        if data is not None:
            rows.append(_row(store, guest.avatar_id, data, handles) | {"used": None})
    return rows


def describe(store: AvatarStore, avatar: Shelved) -> dict[str, Any]:
    """Everything about one avatar, for people and for `--json`.

    Raises:
        CommandError: the file is no avatar.
    """
    try:
        asset = unpack_avatar(avatar.data)
    except AvatarFileError as error:
        raise CommandError(f"This is no avatar that can be read: {error}.") from error
    likeness = likeness_digest(avatar.data)
    manifest, problem = _verified(avatar)
    known = store.acquaintances.first(likeness)
    sections = split_sections(avatar.data, MAGIC, version_of(avatar.data), MAX_AVATAR_BYTES)
    return {
        **_row(store, avatar.avatar_id, avatar.data, list_handles(store.root)),
        "kind": avatar.kind,
        "version": version_of(avatar.data),
        "head_model_id": asset.head_model_id,
        "gaussians": asset.count,
        "bases": len(asset.basis_grid),
        "likeness": likeness,
        "first_seen_with": None if known is None else fingerprint(known.owner),
        "signature": problem or "holds",
        "extractor": None if manifest is None else manifest.extractor,
        "created": None if manifest is None else manifest.created,
        "sections": [{"tag": tag, "bytes": len(content)} for tag, _, _, content in sections],
    }


def export_avatar(avatar: Shelved, path: Path) -> list[Path]:
    """Writes the file, and its manifest beside it if there is one; returns what was written.

    Raises:
        CommandError: the disk refuses.
    """
    wanted = {path: avatar.data}
    if avatar.manifest is not None:
        wanted = {manifest_path(path): avatar.manifest.encode()} | wanted
    for place, content in wanted.items():
        try:
            write_whole(place, content)
        except OSError as error:
            raise CommandError(f"{place} cannot be written: {error.strerror}.") from error
    return list(wanted)


def import_avatar(store: AvatarStore, path: Path, handle: str | None) -> tuple[str, str]:
    """Puts a file into the store; returns its id, which is a new one if it had no owner, and its kind.

    Raises:
        CommandError: it is no avatar, its manifest is not its own, a copy of somebody else's, or cannot have a handle.
        AvatarStoreError: the store refuses.
    """
    if handle is not None:
        check_handle(handle)
    if not _is_file(path):
        raise CommandError(f"There is no file {path}.")
    avatar = find_shelved(store, str(path.absolute()))
    try:
        unpack_avatar(avatar.data)
        owner, likeness = owner_of(avatar.data), likeness_digest(avatar.data)
    except AvatarFileError as error:
        raise CommandError(f"{path} is no avatar that can be read: {error}.") from error
    manifest, problem = _verified(avatar)
    if avatar.manifest is not None and manifest is None:
        raise CommandError(f"{path} was not imported: {problem}")
    ours = store.owner_key().public
    first = store.acquaintances.first(likeness)
    if first is not None and first.owner != (ours if owner is None else owner):
        raise CommandError(
            f"{path} was not imported: it is a copy of the avatar {first.name!r} of somebody else "
            f"({fingerprint(first.owner)[:9]})."
        )
    if owner in (None, ours):
        stored = store.put(avatar.data, own=True, extractor=manifest.extractor if manifest is not None else "")
    elif handle is not None:
        raise CommandError(f"{path} is somebody else's ({fingerprint(owner or b'')[:9]}): only own avatars have names.")
    else:
        stored = store.put(avatar.data, manifest=avatar.manifest)
        if manifest is not None:
            store.acquaintances.remember(likeness, manifest.owner_key, manifest.name)
    if handle is not None:
        set_handle(store.root, handle, stored)
    return stored, kind_of(store, stored)


def forget_avatar(store: AvatarStore, avatar: Shelved) -> None:
    """Deletes an avatar for good, with its manifest, its names, its person's profile, and whose likeness it is.

    Raises:
        CommandError: it is a guest, or not in the store.
        AvatarStoreError: the store refuses.
    """
    if avatar.kind not in ("own", "foreign"):
        raise CommandError(
            "Guests stay." if avatar.kind == "guest" else "Only avatars in the store can be forgotten, not files."
        )
    store.forget(avatar.avatar_id)
    remove_handles(store.root, avatar.avatar_id)
    profile = store.root / "own" / f"{avatar.avatar_id}.profile"
    try:
        profile.unlink(missing_ok=True)
    except OSError as error:
        raise AvatarStoreError(f"{profile} cannot be removed: {error.strerror}.") from error


def _row(store: AvatarStore, avatar: str, data: bytes, handles: dict[str, str]) -> dict[str, Any]:
    owner = owner_of(data)
    return {
        "id": avatar,
        "handles": [handle for handle, meant in handles.items() if meant == avatar],
        "name": _name_of(data),
        "kind": kind_of(store, avatar),
        "bytes": len(data),
        "owner": None if owner is None else fingerprint(owner),
    }


def _name_of(data: bytes) -> str:
    """The name in a file's header, without unpacking the rest."""
    sections = split_sections(data, MAGIC, version_of(data), MAX_AVATAR_BYTES, partial=True)
    return AvatarHeader.unpack(sections[0][3]).name


def _verified(avatar: Shelved) -> tuple[Manifest | None, str]:
    """The manifest, or what is wrong with it in a sentence."""
    if avatar.manifest is None:
        return None, "there is no manifest"
    try:
        manifest = parse_manifest(avatar.manifest)
        check_manifest(manifest, avatar.data)
    except (ManifestError, AvatarFileError) as error:
        return None, str(error)
    return manifest, ""


def _by_prefix(store: AvatarStore, named: str) -> str | None:
    if _PREFIX.fullmatch(named) is None:
        return None
    if is_avatar_id(named):
        return named if store.has(named) else None
    ids = {entry.avatar_id for entry in store.entries()} | {guest.avatar_id for guest in list_guests()}
    found = [avatar for avatar in ids if avatar.startswith(named)]
    if len(found) > 1:
        raise CommandError(f"{len(found)} avatars begin with {named}: give more digits.")
    return found[0] if found else None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name too long, ...
        return False


def _read(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(limit + 1)
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
