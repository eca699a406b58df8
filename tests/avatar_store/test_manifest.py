from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatar_store.errors import ManifestForged, ManifestMalformed, ManifestMismatch
from avatar_store.guests import guest_bytes, list_guests
from avatar_store.keys import OwnerKey
from avatar_store.manifest import (
    MAX_MANIFEST_CHARS,
    SIGNED_PREFIX,
    Manifest,
    Part,
    check_manifest,
    manifest_of,
    parse_manifest,
    sign_manifest,
)
from codec.avatar_file import avatar_id, pack_avatar
from codec.avatar_layout import SECTION
from codec.avatar_owner import likeness_digest, with_owner
from codec.errors import AvatarFileError
from tools.avatar_vectors import small_asset, small_v1

KEY = OwnerKey.generate()
DATA = with_owner(small_v1(), KEY.public)
MANIFEST = manifest_of(DATA, KEY, "landmarks", 1_800_000_000)
TEXT = sign_manifest(MANIFEST, KEY)


def resigned(key: OwnerKey = KEY, **changes: object) -> str:
    """The manifest with other values, and a signature that holds."""
    values = json.loads(TEXT.partition("\n")[2])
    for name, value in changes.items():
        if value is None:
            del values[name]
        else:
            values[name] = value
    return signed_by(key, json.dumps(values, ensure_ascii=False))


def signed_by(key: OwnerKey, signed: str) -> str:
    return f"{key.sign(SIGNED_PREFIX + signed.encode('utf-8', 'surrogatepass')).hex()}\n{signed}"


def test_a_manifest_describes_its_file() -> None:
    assert MANIFEST.avatar_id == avatar_id(DATA)
    assert MANIFEST.owner_key == KEY.public
    assert MANIFEST.likeness == likeness_digest(DATA)
    assert MANIFEST.name == "Ada Łovelace"
    assert MANIFEST.size == len(DATA) == 8 + sum(SECTION.size + part.size for part in MANIFEST.parts)
    tags = ["HEAD", "OWNR", "STEP", "SHAP", "GAU0", "GAU1", "GRUV", "BASE", "MOTN"]
    assert [part.tag for part in MANIFEST.parts] == tags
    assert parse_manifest(TEXT) == MANIFEST
    check_manifest(MANIFEST, DATA)


@given(
    name=st.text(st.characters(codec="utf-8"), max_size=64).filter(str.isprintable),
    extractor=st.text(st.characters(codec="utf-8"), max_size=64).filter(str.isprintable),
    created=st.integers(0, 2**53 - 1),
)
def test_what_was_signed_comes_back(name: str, extractor: str, created: int) -> None:
    manifest = replace(MANIFEST, name=name, extractor=extractor, created=created)
    assert parse_manifest(sign_manifest(manifest, KEY)) == manifest


def test_the_largest_usual_manifests_fit_into_a_control_message() -> None:
    longest = replace(MANIFEST, name='"' * 64, extractor='"' * 64, size=4 * 1024 * 1024, created=2**53 - 1)
    assert parse_manifest(sign_manifest(longest, KEY)) == longest
    for guest in list_guests():
        data = with_owner(guest_bytes(guest.avatar_id), KEY.public)
        text = sign_manifest(manifest_of(data, KEY, "landmarks", 1_800_000_000), KEY)
        assert len(json.dumps(text)) < MAX_MANIFEST_CHARS
        check_manifest(parse_manifest(text), data)


def test_a_file_with_too_many_sections_gets_no_manifest() -> None:
    many = DATA + b"".join(SECTION.pack(b"XTRA", 0, 0, 0, 0) for _ in range(50))
    with pytest.raises(ManifestMalformed, match="longer than"):
        sign_manifest(manifest_of(many, KEY, "", 0), KEY)


@given(st.integers(0, len(TEXT) - 1), st.characters(codec="utf-8"))
def test_every_changed_character_is_noticed(place: int, character: str) -> None:
    changed = TEXT[:place] + character + TEXT[place + 1 :]
    if changed != TEXT:
        with pytest.raises((ManifestMalformed, ManifestForged)):
            parse_manifest(changed)


@given(st.text(max_size=200))
def test_other_texts_are_malformed(text: str) -> None:
    with pytest.raises(ManifestMalformed):
        parse_manifest(text)


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 2},
        {"version": True},
        {"avatar_id": "0" * 63},
        {"avatar_id": "A" * 64},
        {"owner": None},
        {"likeness": 7},
        {"head_model_id": "x" * 64},
        {"profile": "paper"},
        {"extractor": "x" * 65},
        {"extractor": "\x1b[2J"},
        {"name": "x" * 65},
        {"name": "a\nb"},
        {"bytes": 0},
        {"bytes": (4 << 20) + 1},
        {"bytes": 1.5},
        {"created": -1},
        {"parts": None},
        {"parts": []},
        {"parts": {}},
        {"parts": [["HEAD", 1, "0" * 63]]},
        {"parts": [["HEADS", 1, "0" * 64]]},
        {"parts": [["HEA\n", 1, "0" * 64]]},
        {"parts": [["HEAD", -1, "0" * 64]]},
        {"parts": [["HEAD", True, "0" * 64]]},
        {"parts": [["HEAD", 1, "0" * 64, 2]]},
        {"parts": ["HEAD"]},
        {"parts": [["HEAD", 1, "0" * 64]] * 65},
    ],
)
def test_a_value_out_of_its_limits_is_malformed_whoever_signs_it(changes: dict[str, object]) -> None:
    with pytest.raises(ManifestMalformed):
        parse_manifest(resigned(**changes))


@pytest.mark.parametrize("signed", ["[]", "{", '{"name":"\ud800"}', "[" * 3000, '{"a":NaN}'])
def test_what_is_signed_must_be_an_object(signed: str) -> None:
    with pytest.raises(ManifestMalformed):
        parse_manifest(signed_by(KEY, signed))


def test_fields_that_later_writers_add_are_skipped() -> None:
    assert parse_manifest(resigned(mood="fine")) == MANIFEST


def test_only_the_owner_can_sign() -> None:
    with pytest.raises(ManifestForged):
        parse_manifest(resigned(OwnerKey.generate()))
    with pytest.raises(ManifestMismatch, match="another owner"):
        sign_manifest(MANIFEST, OwnerKey.generate())
    with pytest.raises(ManifestMismatch, match="does not belong"):
        manifest_of(DATA, OwnerKey.generate(), "", 0)
    with pytest.raises(ManifestMismatch, match="does not belong"):
        manifest_of(small_v1(), KEY, "", 0)


def test_a_signature_of_something_else_is_none_of_a_manifest() -> None:
    signed = TEXT.partition("\n")[2]
    with pytest.raises(ManifestForged):
        parse_manifest(f"{KEY.sign(signed.encode()).hex()}\n{signed}")


@pytest.mark.parametrize(
    "changes",
    [
        {"avatar_id": "0" * 64},
        {"size": len(DATA) + 1},
        {"owner": OwnerKey.generate().public.hex()},
        {"likeness": "0" * 64},
        {"head_model_id": "0" * 64},
        {"name": "Eve"},
        {"parts": MANIFEST.parts[:-1]},
        {"parts": (*MANIFEST.parts[:-1], Part("MOTN", 1, "0" * 64))},
    ],
)
def test_a_manifest_of_another_file_does_not_fit(changes: dict[str, object]) -> None:
    with pytest.raises(ManifestMismatch):
        check_manifest(replace(MANIFEST, **changes), DATA)


def test_a_file_that_is_no_avatar_fits_no_manifest() -> None:
    broken = DATA[:-1]
    with pytest.raises(AvatarFileError):
        check_manifest(replace(MANIFEST, avatar_id=avatar_id(broken), size=len(broken)), broken)


def test_a_stolen_file_has_the_same_likeness_and_another_id() -> None:
    thief = OwnerKey.generate()
    for plain in (pack_avatar(small_asset()), small_v1()):
        mine, stolen = (manifest_of(with_owner(plain, key.public), key, "", 0) for key in (KEY, thief))
        assert isinstance(mine, Manifest)
        assert mine.likeness == stolen.likeness
        assert mine.avatar_id != stolen.avatar_id
