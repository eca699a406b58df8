"""What a peer says about the avatar that it shows, and whether the avatar's bytes bear that out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from avatar_store.errors import ManifestMismatch
from avatar_store.manifest import Manifest, check_manifest
from avatar_store.store import AvatarStore
from codec.avatar_layout import MAGIC, MAX_AVATAR_BYTES, split_sections, version_of
from codec.avatar_owner import likeness_digest, owner_of

OTHER_OWNER = "the face is known as somebody else's"


@dataclass(frozen=True)
class Claim:
    """An avatar that a peer says it shows.

    Args:
        avatar_id: hex SHA-256.
        size: bytes of the file.
        text: the manifest as it came; None for a guest, which is nobody's.
        manifest: the same, parsed and verified.
    """

    avatar_id: str
    size: int
    text: str | None = None
    manifest: Manifest | None = None


def check_beginning(claim: Claim, beginning: bytes, store: AvatarStore) -> None:
    """Makes sure that a part of a file is of the avatar that the claim describes. Blocks on the disk.

    Args:
        claim: of the peer.
        beginning: whole sections from the beginning of the file, enough to show something.
        store: knows whose faces are whose.

    Raises:
        AvatarFileError: it is no avatar file.
        ManifestMismatch: it is another one's, or the face is known as somebody else's.
    """
    manifest = claim.manifest
    if manifest is None:
        return
    sections = split_sections(beginning, MAGIC, version_of(beginning), MAX_AVATAR_BYTES, partial=True)
    parts = [(tag, len(content), hashlib.sha256(content).hexdigest()) for tag, _, _, content in sections]
    if parts != [(part.tag, part.size, part.sha256) for part in manifest.parts[: len(parts)]]:
        raise ManifestMismatch("the file is not the one that its manifest describes")
    if owner_of(beginning) != manifest.owner_key:
        raise ManifestMismatch("the file belongs to somebody else")
    if likeness_digest(beginning) != manifest.likeness:
        raise ManifestMismatch("the file shows another face than its manifest says")
    _check_acquaintance(manifest, store)


def check_whole(claim: Claim, data: bytes, store: AvatarStore) -> None:
    """The same with the whole file; remembers whose face it is. Blocks on the disk.

    Raises:
        AvatarFileError, ManifestMismatch: as `check_beginning`.
        AvatarStoreError: it cannot be remembered.
    """
    manifest = claim.manifest
    if manifest is None:
        return
    check_manifest(manifest, data)
    if not store.acquaintances.remember(manifest.likeness, manifest.owner_key, manifest.name):
        raise ManifestMismatch(OTHER_OWNER)


def _check_acquaintance(manifest: Manifest, store: AvatarStore) -> None:
    if store.acquaintances.first_owner(manifest.likeness) not in (None, manifest.owner_key):
        raise ManifestMismatch(OTHER_OWNER)
