from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codec.avatar_file import avatar_id, pack_avatar, unpack_avatar, unpack_partial
from codec.avatar_layout import MAGIC, MAX_AVATAR_BYTES, MAX_SECTIONS, SECTION, split_sections
from codec.avatar_owner import likeness_digest, owner_of, with_owner
from codec.errors import AvatarFileError
from tools.avatar_vectors import OWNER, small_asset, small_v1

AVATARS = Path(__file__).parents[1] / "vectors" / "avatar"
PLAIN = [pack_avatar(small_asset()), small_v1()]
OTHER = bytes(range(32))


def join(version: int, sections: list[tuple[str, int, int, bytes]]) -> bytes:
    parts = [SECTION.pack(tag.encode(), coding, kind, 0, len(data)) + data for tag, coding, kind, data in sections]
    return struct.pack("<4sHH", MAGIC, version, 0) + b"".join(parts)


@pytest.mark.parametrize("data", PLAIN)
@given(key=st.binary(min_size=32, max_size=32))
def test_an_owner_changes_the_id_and_nothing_that_is_seen(data: bytes, key: bytes) -> None:
    owned = with_owner(data, key)
    assert owner_of(data) is None
    assert owner_of(owned) == key
    assert avatar_id(owned) != avatar_id(data)
    assert with_owner(owned, key) is owned
    assert likeness_digest(owned) == likeness_digest(data)
    assert (unpack_avatar(owned).sh0 == unpack_avatar(data).sh0).all()


@pytest.mark.parametrize("data", PLAIN)
def test_a_file_has_one_owner_for_good(data: bytes) -> None:
    with pytest.raises(AvatarFileError, match="somebody else"):
        with_owner(with_owner(data, OWNER), OTHER)


@pytest.mark.parametrize("data", [b"", b"\x89VAV", b"PK" + PLAIN[0][2:], PLAIN[0][:-1], PLAIN[0][:8]])
def test_only_whole_avatar_files_get_an_owner(data: bytes) -> None:
    with pytest.raises(AvatarFileError):
        with_owner(data, OWNER)


@pytest.mark.parametrize("version", [2, 255])
def test_files_of_versions_that_nobody_knows_get_none(version: int) -> None:
    with pytest.raises(AvatarFileError, match="version"):
        with_owner(PLAIN[0][:4] + bytes([version]) + PLAIN[0][5:], OWNER)


@pytest.mark.parametrize("key", [b"", OWNER[:31], OWNER + b"\0"])
def test_keys_of_another_length_are_refused(key: bytes) -> None:
    with pytest.raises(AvatarFileError, match="32 bytes"):
        with_owner(PLAIN[0], key)


def test_a_full_file_gets_no_owner() -> None:
    good = PLAIN[0]
    many = good + b"".join(SECTION.pack(b"XTRA", 0, 0, 0, 0) for _ in range(MAX_SECTIONS - 14))
    assert len(split_sections(many, MAGIC, 0, MAX_AVATAR_BYTES)) == MAX_SECTIONS
    fill = MAX_AVATAR_BYTES - len(good) - SECTION.size
    for full in (many, good + SECTION.pack(b"XTRA", 0, 0, 0, fill) + bytes(fill)):
        assert unpack_avatar(full)
        with pytest.raises(AvatarFileError, match="no room"):
            with_owner(full, OWNER)


@pytest.mark.parametrize("name", ["owner_short", "owner_coded", "owner_last", "owner_twice"])
def test_a_misplaced_owner_is_refused_by_every_reader(name: str) -> None:
    data = (AVATARS / "invalid" / f"{name}.vav").read_bytes()
    for reader in (owner_of, unpack_avatar, unpack_partial):
        with pytest.raises(AvatarFileError, match="OWNR"):
            reader(data)


@pytest.mark.parametrize("data", [with_owner(plain, OWNER) for plain in PLAIN])
def test_whatever_can_be_shown_of_a_file_tells_owner_and_likeness(data: bytes) -> None:
    ends, end = [8, len(data)], 8
    for _, _, _, content in split_sections(data, MAGIC, data[4], MAX_AVATAR_BYTES):
        end += SECTION.size + len(content)
        ends += [end - 1, end]
    shown = 0
    for end in ends:
        part = data[:end]
        if unpack_partial(part) is None:
            with pytest.raises(AvatarFileError):
                likeness_digest(part)
        else:
            shown += 1
            assert owner_of(part) == OWNER
            assert likeness_digest(part) == likeness_digest(data)
    assert shown


@pytest.mark.parametrize("version", [0, 1])
def test_the_likeness_is_of_the_face_only(version: int) -> None:
    data = PLAIN[version]
    sections = split_sections(data, MAGIC, version, MAX_AVATAR_BYTES)
    head = sections[0][3]
    renamed = (*sections[0][:3], head[:46] + bytes([3, 0]) + b"Eve")
    junk = ("XTRA", 0, 0, b"junk")
    without_motions = [section for section in sections[1:] if section[0] != "MOTN"]
    other = with_owner(join(version, [renamed, junk, *reversed(without_motions)]), OTHER)
    assert unpack_avatar(other).name == "Eve"
    assert likeness_digest(other) == likeness_digest(data)
    changed = [*sections]
    at = [tag for tag, *_ in sections].index("SHAP")
    changed[at] = (*sections[at][:3], sections[at][3][:-1] + bytes([sections[at][3][-1] ^ 1]))
    assert likeness_digest(join(version, changed)) != likeness_digest(data)


@pytest.mark.parametrize("version", [0, 1])
def test_no_likeness_of_files_that_are_none(version: int) -> None:
    data = PLAIN[version]
    sections = split_sections(data, MAGIC, version, MAX_AVATAR_BYTES)
    twice = join(version, [*sections, next(section for section in sections if section[0] == "SHAP")])
    headless = join(version, sections[1:])
    for broken, what in ((twice, "two SHAP"), (headless, "HEAD"), (b"hello world", "not an avatar file")):
        with pytest.raises(AvatarFileError, match=what):
            likeness_digest(broken)
