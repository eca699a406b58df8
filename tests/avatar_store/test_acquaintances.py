from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from avatar_store.acquaintances import Acquaintances
from avatar_store.errors import AvatarStoreError

LIKENESS, OTHER = "1" * 64, "2" * 64
ADA, EVE = bytes([1]) * 32, bytes([2]) * 32


def test_the_first_owner_of_a_likeness_stays_it(tmp_path: Path) -> None:
    known = Acquaintances(tmp_path)
    assert known.first_owner(LIKENESS) is None
    assert known.remember(LIKENESS, ADA, "Ada")
    assert not known.remember(LIKENESS, EVE, "Eve")
    assert known.remember(LIKENESS, ADA, "Ada again")
    for again in (known, Acquaintances(tmp_path)):
        found = again.first(LIKENESS)
        assert found is not None
        assert (found.owner, found.name, found.own) == (ADA, "Ada", False)
        assert again.first_owner(OTHER) is None


def test_ones_own_likeness_is_ones_own_whoever_came_with_it(tmp_path: Path) -> None:
    known = Acquaintances(tmp_path, most=1)
    assert known.remember(LIKENESS, EVE, "Eve")
    assert known.remember(LIKENESS, ADA, "Ada", own=True)
    for number in range(3):
        known.remember(f"{number:064x}", EVE, "somebody")
    assert known.first_owner(LIKENESS) == ADA
    assert not known.remember(LIKENESS, EVE, "Eve")


def test_those_not_seen_for_longest_are_forgotten(tmp_path: Path) -> None:
    known = Acquaintances(tmp_path, most=3)
    likenesses = [f"{number:064x}" for number in range(4)]
    for age, likeness in enumerate(likenesses[:3]):
        known.remember(likeness, ADA, "")
        os.utime(tmp_path / "acquaintances" / "met" / likeness, (1e9 + age, 1e9 + age))
    known.remember(likenesses[0], ADA, "")  # seen now
    known.remember(likenesses[3], ADA, "")
    assert [known.first_owner(likeness) is not None for likeness in likenesses] == [True, False, True, True]


def test_those_who_come_at_once_agree_on_one_owner(tmp_path: Path) -> None:
    owners = [bytes([number]) * 32 for number in range(16)]
    with ThreadPoolExecutor(8) as pool:
        first = list(pool.map(lambda owner: Acquaintances(tmp_path).remember(LIKENESS, owner, ""), owners))
    assert sum(first) == 1
    assert Acquaintances(tmp_path).first_owner(LIKENESS) == owners[first.index(True)]


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b"[]", b'{"owner":"zz","name":""}', b"x" * 5000])
def test_what_is_damaged_is_as_if_it_were_not_there(tmp_path: Path, content: bytes) -> None:
    known = Acquaintances(tmp_path)
    known.remember(LIKENESS, ADA, "Ada")
    (tmp_path / "acquaintances" / "met" / LIKENESS).write_bytes(content)
    assert known.first_owner(LIKENESS) is None
    assert known.remember(LIKENESS, EVE, "Eve")


def test_forgetting(tmp_path: Path) -> None:
    known = Acquaintances(tmp_path)
    assert not known.forget(LIKENESS)
    known.remember(LIKENESS, EVE, "Eve")
    known.remember(LIKENESS, ADA, "Ada", own=True)
    assert known.forget(LIKENESS)
    assert known.first_owner(LIKENESS) is None


def test_what_is_no_likeness_or_no_key_never_becomes_a_file(tmp_path: Path) -> None:
    known = Acquaintances(tmp_path)
    for likeness, owner in (("../x", ADA), ("", ADA), (LIKENESS, b"short")):
        with pytest.raises(AvatarStoreError):
            known.remember(likeness, owner, "")
    assert known.first_owner("../x") is None
    assert not known.forget("../x")
    assert not list(tmp_path.iterdir())


def test_a_disk_that_refuses_is_reported_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "acquaintances").write_text("")
    with pytest.raises(AvatarStoreError, match="cannot be written"):
        Acquaintances(tmp_path).remember(LIKENESS, ADA, "")
