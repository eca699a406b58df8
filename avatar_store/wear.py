"""What a person shows themselves with: an avatar of their own with its manifest, or a guest."""

from __future__ import annotations

from dataclasses import dataclass

from avatar_store.errors import NotTheOwner, UnknownAvatar
from avatar_store.store import AvatarStore


@dataclass(frozen=True)
class Worn:
    """An avatar that is worn.

    Args:
        avatar_id: of the file; another one than was asked for if the file had no owner yet.
        data: the file.
        manifest: its manifest, signed with the user's key (AvatarStore.owner_key); None for guests, which are nobody's.
    """

    avatar_id: str
    data: bytes
    manifest: str | None


def wear(store: AvatarStore, avatar_id: str) -> Worn:
    """The avatar as the user wears it: an own one without an owner or a manifest gets both, and stays in the store.

    Args:
        store: where it is.
        avatar_id: of a guest or of one of the user's own avatars.

    Raises:
        UnknownAvatar: it is not here.
        NotTheOwner: it is somebody else's.
        KeyFileError: the user's key cannot be used.
        AvatarFileError: it is no avatar.
        AvatarStoreError: the store refuses.
    """
    data = store.get(avatar_id)
    if data is None:
        raise UnknownAvatar(avatar_id)
    if store.is_guest(avatar_id):
        return Worn(avatar_id, data, None)
    if not store.is_own(avatar_id):
        raise NotTheOwner(f"The avatar {avatar_id[:12]} came from somebody else: only its owner can wear it.")
    worn = store.put(data, own=True)
    data, manifest = store.get(worn), store.get_manifest(worn)
    if data is None or manifest is None:
        raise UnknownAvatar(worn)  # another process has just deleted it
    return Worn(worn, data, manifest)
