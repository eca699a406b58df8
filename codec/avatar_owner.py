"""Whose avatar a file is, and what tells that two files show one face (docs/avatar-format.md, "OWNR", "Likeness")."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from codec.avatar_layout import (
    HEADER,
    MAGIC,
    MAX_AVATAR_BYTES,
    MAX_SECTIONS,
    SECTION,
    VERSION,
    VERSION_1,
    AvatarHeader,
    Section,
    split_sections,
    version_of,
)
from codec.errors import AvatarFileError
from codec.integer_sections import CODING_STORED

OWNER = "OWNR"
OWNER_BYTES = 32
"""An Ed25519 public key (RFC 8032)."""

_FIRST_PICTURE = ("STEP", "SHAP", "GAU0")
"""What version 1 needs, HEAD aside, before anything can be seen."""
_PREFIX = b"visavis likeness %d\n"
_READ_VERSIONS = (VERSION, VERSION_1)


def owner_in(sections: Sequence[Section]) -> bytes | None:
    """The owner's public key among a file's sections; None if they name no owner.

    Args:
        sections: all, or the first ones, in the order of the file (codec.avatar_layout.split_sections).

    Raises:
        AvatarFileError: the OWNR section is not right behind HEAD, has the wrong length or is coded.
    """
    owner = None
    for number, (tag, coding, predictor, content) in enumerate(sections):
        if tag != OWNER:
            continue
        if number != 1:
            raise AvatarFileError("The avatar file's OWNR section is not right behind its HEAD section")
        if coding != CODING_STORED or predictor or len(content) != OWNER_BYTES:
            raise AvatarFileError("The avatar file's OWNR section is coded, or has the wrong length")
        owner = content
    return owner


def owner_of(data: bytes) -> bytes | None:
    """The owner's public key, OWNER_BYTES long; None if the file names no owner.

    Args:
        data: a file, or its beginning as soon as codec.avatar_file.unpack_partial shows something of it.

    Raises:
        AvatarFileError: it is no avatar file, or its OWNR section breaks a rule.
    """
    return owner_in(_sections(data, partial=True))


def with_owner(data: bytes, public_key: bytes) -> bytes:
    """The file with this owner: a file that names none gets the section, one that names them stays as it is.

    Args:
        data: a whole file.
        public_key: OWNER_BYTES.

    Raises:
        AvatarFileError: it is no avatar file, is somebody else's, or has no room for the section; or the key has the
            wrong length.
    """
    if len(public_key) != OWNER_BYTES:
        raise AvatarFileError(f"An owner's public key has {OWNER_BYTES} bytes, not {len(public_key)}")
    sections = _sections(data)
    if not sections or sections[0][0] != "HEAD":
        raise AvatarFileError("The avatar file does not begin with its HEAD section")
    owner = owner_in(sections)
    if owner == public_key:
        return data
    if owner is not None:
        raise AvatarFileError("The avatar belongs to somebody else")
    behind_head = HEADER.size + SECTION.size + len(sections[0][3])
    section = SECTION.pack(OWNER.encode(), CODING_STORED, 0, 0, OWNER_BYTES) + public_key
    stamped = data[:behind_head] + section + data[behind_head:]
    if len(stamped) > MAX_AVATAR_BYTES or len(sections) == MAX_SECTIONS:
        raise AvatarFileError("The avatar file has no room for its owner")
    return stamped


def likeness_digest(data: bytes) -> str:
    """The hex SHA-256 of what one sees first, whoever owns the file and whatever name it has.

    Args:
        data: a file, or its beginning as soon as codec.avatar_file.unpack_partial shows something of it.

    Raises:
        AvatarFileError: it is no avatar file, has a section twice, or is too short to show anything.
    """
    sections = _sections(data, partial=True)
    if not sections or sections[0][0] != "HEAD":
        raise AvatarFileError("The avatar file does not begin with its HEAD section")
    version = version_of(data)
    wanted = _FIRST_PICTURE if version == VERSION_1 else tuple(AvatarHeader.unpack(sections[0][3]).sections())
    content: dict[str, Section] = {}
    for section in sections:
        if section[0] in content and section[0] in wanted:
            raise AvatarFileError(f"The avatar file has two {section[0]} sections")
        content[section[0]] = section
    missing = [tag for tag in wanted if tag not in content]
    if missing:
        raise AvatarFileError(f"The avatar file is too short to show anything: {missing[0]} is missing")
    digest = hashlib.sha256(_PREFIX % version)
    for tag in wanted:
        _, coding, predictor, stored = content[tag]
        digest.update(SECTION.pack(tag.encode(), coding, predictor, 0, len(stored)) + stored)
    return digest.hexdigest()


def _sections(data: bytes, *, partial: bool = False) -> list[Section]:
    version = version_of(data)
    return split_sections(
        data, MAGIC, version if version in _READ_VERSIONS else VERSION_1, MAX_AVATAR_BYTES, partial=partial
    )
