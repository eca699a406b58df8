"""Signed manifests: what an avatar file is, and who says so (docs/avatar-store.md, "Manifest").

The text of a manifest is a line with the signature and a line with the JSON object that is signed, byte for byte. It is
at most MAX_MANIFEST_CHARS long, so that it fits into one message of the `control` channel.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from avatar_store.errors import ManifestForged, ManifestMalformed, ManifestMismatch
from avatar_store.keys import SIGNATURE_BYTES, OwnerKey, verify
from codec.avatar_file import avatar_id as id_of
from codec.avatar_layout import (
    MAGIC,
    MAX_AVATAR_BYTES,
    MAX_NAME_CHARACTERS,
    MAX_SECTIONS,
    AvatarHeader,
    split_sections,
    version_of,
)
from codec.avatar_owner import likeness_digest, owner_of
from codec.signaling.fields import Fields, SignalingError, decode_object, encode_object

VERSION = 1
PROFILE = "linear"
SIGNED_PREFIX = b"visavis avatar manifest 1\n"
"""Goes before the JSON text in what is signed, so that no signature of anything else is one of a manifest."""
MAX_MANIFEST_CHARS = 3_500
"""Of the text as a JSON string, quotation marks escaped; a control message has 4,096 characters."""
MAX_MANIFEST_BYTES = 4 * MAX_MANIFEST_CHARS
MAX_EXTRACTOR_CHARS = 64

_HEX_32 = re.compile(r"[0-9a-f]{64}")
_TAG = re.compile(r"[ -~]{4}")


@dataclass(frozen=True)
class Part:
    """A section of the file.

    Args:
        tag: four ASCII characters.
        size: bytes of its content.
        sha256: of its content, hex.
    """

    tag: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What an avatar file is.

    Args:
        avatar_id: hex SHA-256 of the file.
        owner: public key, hex.
        likeness: codec.avatar_owner.likeness_digest of the file.
        head_model_id: of the head model that it needs, hex.
        extractor: which tracker it was made with, in words; may be empty.
        name: for people, as in the file.
        size: of the file in bytes.
        created: when it was signed, Unix time in seconds.
        parts: the sections in the order of the file.
        profile: of the avatar.
    """

    avatar_id: str
    owner: str
    likeness: str
    head_model_id: str
    extractor: str
    name: str
    size: int
    created: int
    parts: tuple[Part, ...]
    profile: str = PROFILE

    @property
    def owner_key(self) -> bytes:
        """The owner's public key."""
        return bytes.fromhex(self.owner)


def manifest_of(data: bytes, key: OwnerKey, extractor: str, created: int) -> Manifest:
    """The manifest of a file of one's own.

    Args:
        data: a valid avatar file with its owner in it (codec.avatar_owner.with_owner).
        key: the owner's.
        extractor: which tracker the avatar was made with, at most MAX_EXTRACTOR_CHARS.
        created: Unix time in seconds.

    Raises:
        AvatarFileError: it is no avatar file.
        ManifestMismatch: the file is not the key's.
    """
    if owner_of(data) != key.public:
        raise ManifestMismatch("The avatar file does not belong to this key.")
    header, parts = _read(data)
    return Manifest(
        avatar_id=id_of(data),
        owner=key.public.hex(),
        likeness=likeness_digest(data),
        head_model_id=header.head_model_id,
        extractor=extractor,
        name=header.name,
        size=len(data),
        created=created,
        parts=parts,
    )


def sign_manifest(manifest: Manifest, key: OwnerKey) -> str:
    """The text of a manifest.

    Raises:
        ManifestMalformed: it would break a rule, such as that of the length; files with very many sections do.
        ManifestMismatch: it names another owner.
    """
    if manifest.owner_key != key.public:
        raise ManifestMismatch("The manifest names another owner than this key's.")
    signed = encode_object(
        {
            "version": VERSION,
            "avatar_id": manifest.avatar_id,
            "owner": manifest.owner,
            "likeness": manifest.likeness,
            "head_model_id": manifest.head_model_id,
            "profile": manifest.profile,
            "extractor": manifest.extractor,
            "name": manifest.name,
            "bytes": manifest.size,
            "created": manifest.created,
            "parts": [[part.tag, part.size, part.sha256] for part in manifest.parts],
        }
    )
    text = f"{key.sign(SIGNED_PREFIX + signed.encode()).hex()}\n{signed}"
    parse_manifest(text)
    return text


def parse_manifest(text: str) -> Manifest:
    """The manifest of a text from anywhere, its limits checked and its signature verified.

    Raises:
        ManifestMalformed: it breaks a rule of the document.
        ManifestForged: the signature is not that of the owner whom it names.
    """
    if len(text) > MAX_MANIFEST_CHARS or len(json.dumps(text, ensure_ascii=False)) > MAX_MANIFEST_CHARS:
        raise ManifestMalformed(f"The manifest is longer than {MAX_MANIFEST_CHARS} characters.")
    signature, _, signed = text.partition("\n")
    if re.fullmatch(rf"[0-9a-f]{{{2 * SIGNATURE_BYTES}}}", signature) is None:
        raise ManifestMalformed("The manifest does not begin with a signature.")
    try:
        manifest = _from_fields(Fields(decode_object(signed), "manifest"))
        message = SIGNED_PREFIX + signed.encode()
    except (SignalingError, UnicodeEncodeError) as error:
        raise ManifestMalformed(str(error)) from error
    if not verify(manifest.owner_key, message, bytes.fromhex(signature)):
        raise ManifestForged("The signature of the manifest is not that of the avatar's owner.")
    return manifest


def check_manifest(manifest: Manifest, data: bytes) -> None:
    """Makes sure that a file is the one that the manifest describes, and says itself that it is the owner's.

    Args:
        manifest: as `parse_manifest` returned it.
        data: the whole file.

    Raises:
        AvatarFileError: it is no avatar file.
        ManifestMismatch: it is another one.
    """
    if len(data) != manifest.size or id_of(data) != manifest.avatar_id:
        raise ManifestMismatch("The avatar file is not the one that its manifest describes.")
    if owner_of(data) != manifest.owner_key:
        raise ManifestMismatch("The avatar file belongs to somebody else than its manifest says.")
    header, parts = _read(data)
    if (header.head_model_id, header.name) != (manifest.head_model_id, manifest.name):
        raise ManifestMismatch("The manifest says a head model or a name that the avatar file does not have.")
    if parts != manifest.parts or likeness_digest(data) != manifest.likeness:
        raise ManifestMismatch("The manifest says sections or a likeness that the avatar file does not have.")


def manifest_path(path: Path) -> Path:
    """Where the manifest of an avatar file is that lies in some folder: beside it."""
    return path.with_name(path.name + ".manifest")


def _read(data: bytes) -> tuple[AvatarHeader, tuple[Part, ...]]:
    sections = split_sections(data, MAGIC, version_of(data), MAX_AVATAR_BYTES)
    parts = [Part(tag, len(content), hashlib.sha256(content).hexdigest()) for tag, _, _, content in sections]
    return AvatarHeader.unpack(sections[0][3]), tuple(parts)


def _from_fields(fields: Fields) -> Manifest:
    fields.choice("version", (VERSION,))
    name = fields.text("name", MAX_NAME_CHARACTERS)
    extractor = fields.text("extractor", MAX_EXTRACTOR_CHARS)
    if not name.isprintable() or not extractor.isprintable():
        raise fields.error("name" if not name.isprintable() else "extractor", "printable")
    return Manifest(
        avatar_id=_digest(fields, "avatar_id"),
        owner=_digest(fields, "owner"),
        likeness=_digest(fields, "likeness"),
        head_model_id=_digest(fields, "head_model_id"),
        extractor=extractor,
        name=name,
        size=fields.integer("bytes", 1, MAX_AVATAR_BYTES),
        created=fields.integer("created"),
        parts=_parts(fields),
        profile=fields.choice("profile", (PROFILE,)),
    )


def _digest(fields: Fields, key: str) -> str:
    text = fields.text(key, 64, 64)
    if _HEX_32.fullmatch(text) is None:
        raise fields.error(key, "64 hexadecimal digits")
    return text


def _parts(fields: Fields) -> tuple[Part, ...]:
    values: object = fields.values.get("parts")
    if not isinstance(values, list) or not 1 <= len(cast(list[Any], values)) <= MAX_SECTIONS:
        raise fields.error("parts", f"a list of 1 to {MAX_SECTIONS} sections")
    return tuple(_part(fields, item) for item in cast(list[object], values))


def _part(fields: Fields, item: object) -> Part:
    match item:
        case [str(tag), int(size), str(sha256)] if (
            not isinstance(size, bool)
            and _TAG.fullmatch(tag)
            and 0 <= size <= MAX_AVATAR_BYTES
            and _HEX_32.fullmatch(sha256)
        ):
            return Part(tag, size, sha256)
        case _:
            raise fields.error("parts", "sections as [tag, bytes, SHA-256]")
