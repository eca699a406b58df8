"""What a peer says of its avatar against the avatar's bytes, whole and in parts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from avatar_store.errors import ManifestMismatch
from avatar_store.keys import OwnerKey
from avatar_store.manifest import manifest_of
from avatar_store.store import AvatarStore
from client.avatar_claim import OTHER_OWNER, Claim, check_beginning, check_whole
from codec.avatar_file import avatar_id
from codec.avatar_layout import HEADER, SECTION
from codec.avatar_owner import with_owner
from codec.avatar_stages import AvatarStages
from codec.errors import AvatarFileError

ALICE, MALLORY = OwnerKey.generate(), OwnerKey.generate()
PLAIN = (Path(__file__).parents[1] / "vectors" / "avatar" / "small_v1.vav").read_bytes()
FILE = with_owner(PLAIN, ALICE.public)


@pytest.fixture
def store(tmp_path: Path) -> AvatarStore:
    return AvatarStore(tmp_path)


def claim_of(data: bytes, key: OwnerKey) -> Claim:
    return Claim(avatar_id(data), len(data), "text", manifest_of(data, key, "mediapipe", 1_700_000_000))


def first_part(data: bytes) -> bytes:
    stages = AvatarStages()
    for size in range(len(data)):
        if stages.grown(data[:size]):
            return data[: stages.usable]
    raise AssertionError


def both_refuse(claim: Claim, data: bytes, store: AvatarStore) -> None:
    for check, content in ((check_beginning, first_part(data)), (check_whole, data)):
        with pytest.raises((ManifestMismatch, AvatarFileError)):
            check(claim, content, store)


def test_the_owners_avatar_passes_and_its_face_is_remembered(store: AvatarStore) -> None:
    claim = claim_of(FILE, ALICE)
    assert claim.manifest is not None
    check_beginning(claim, first_part(FILE), store)
    assert store.acquaintances.first_owner(claim.manifest.likeness) is None  # a part makes nobody known
    check_whole(claim, FILE, store)
    check_whole(claim, FILE, store)
    assert store.acquaintances.first_owner(claim.manifest.likeness) == ALICE.public


def test_a_guest_is_nobodys(store: AvatarStore) -> None:
    check_beginning(Claim("00" * 32, 1), b"anything", store)
    check_whole(Claim("00" * 32, 1), b"anything", store)


@pytest.mark.parametrize("data", [FILE, PLAIN], ids=["hers", "nobody's"])
def test_a_stolen_file_under_a_manifest_of_the_thief_is_refused(store: AvatarStore, data: bytes) -> None:
    """Her manifest can name the file's id and sections, but not another owner than the file does."""
    honest = claim_of(FILE, ALICE)
    assert honest.manifest is not None
    parts = honest.manifest.parts if data is FILE else tuple(p for p in honest.manifest.parts if p.tag != "OWNR")
    forged = replace(
        honest.manifest, owner=MALLORY.public.hex(), avatar_id=avatar_id(data), size=len(data), parts=parts
    )
    both_refuse(Claim(avatar_id(data), len(data), "text", forged), data, store)


def test_a_known_face_with_another_owner_put_into_it_is_refused(store: AvatarStore) -> None:
    check_whole(claim_of(FILE, ALICE), FILE, store)
    stamped = with_owner(PLAIN, MALLORY.public)
    claim = claim_of(stamped, MALLORY)
    for check, content in ((check_beginning, first_part(stamped)), (check_whole, stamped)):
        with pytest.raises(ManifestMismatch, match=OTHER_OWNER):
            check(claim, content, store)


def test_ones_own_face_under_another_key_is_refused(store: AvatarStore) -> None:
    store.put(PLAIN, own=True)
    stamped = with_owner(PLAIN, MALLORY.public)
    both_refuse(claim_of(stamped, MALLORY), stamped, store)


def test_each_tampered_section_of_the_first_part_is_refused_before_it_is_drawn(store: AvatarStore) -> None:
    claim, part = claim_of(FILE, ALICE), first_part(FILE)
    rng, place = np.random.default_rng(1), HEADER.size
    tampered = 0
    while place < len(part):
        *_, size = SECTION.unpack_from(part, place)
        changed = bytearray(part)
        changed[place + SECTION.size + int(rng.integers(size))] ^= 1
        with pytest.raises((ManifestMismatch, AvatarFileError)):
            check_beginning(claim, bytes(changed), store)
        place += SECTION.size + size
        tampered += 1
    assert tampered >= 5  # HEAD, OWNR, STEP, SHAP, GAU0


def test_a_manifest_that_lies_about_the_face_is_refused(store: AvatarStore) -> None:
    """Otherwise a known face could be hidden behind another likeness."""
    honest = claim_of(FILE, ALICE)
    assert honest.manifest is not None
    both_refuse(replace(honest, manifest=replace(honest.manifest, likeness="00" * 32)), FILE, store)


def test_a_manifest_of_another_file_is_refused(store: AvatarStore) -> None:
    other = (Path(__file__).parents[1] / "vectors" / "avatar" / "owned_v1.vav").read_bytes()
    honest = claim_of(FILE, ALICE)
    both_refuse(honest, other, store)
