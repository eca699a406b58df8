"""Where the avatars of a job go."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from avatar_store.errors import AvatarStoreError, KeyFileError
from avatar_store.guests import list_guests
from avatar_store.handles import check_handle, find_handle, set_handle
from avatar_store.keys import OwnerKey, key_path, load_owner_key
from avatar_store.manifest import check_manifest, parse_manifest
from avatar_store.store import AvatarStore
from codec.avatar_file import avatar_id, pack_avatar
from codec.avatar_owner import owner_of, with_owner
from codec.motion_table import STANDARD
from enrolment import checkpoint, job_keep
from enrolment.checkpoint import CheckpointError, load_asset, parse_arrays, save_arrays, save_asset
from enrolment.job_keep import FileKeeper, StoreKeeper
from enrolment.job_types import JobError
from renderer.head.open_head import load_open_head
from tests.support.drawn_takes import drawn_person
from tracker.estimator import FaceEstimator
from tracker.profile import PersonProfile

PERSON = FaceEstimator(load_open_head()).profile()


@pytest.fixture(scope="module")
def files() -> list[bytes]:
    return [pack_avatar(replace(drawn_person(), name=name)) for name in ("first", "second")]


def test_the_store_holds_the_last_avatar_and_the_person(tmp_path: Path, files: list[bytes]) -> None:
    store = AvatarStore(tmp_path / "avatars")
    keeper = StoreKeeper(store, tmp_path / "avatars" / "own")
    kept = None
    for data in files:
        mine = with_owner(data, store.owner_key().public)
        kept = keeper.keep(data, replace(PERSON, avatar_id=avatar_id(data)))
        assert (kept.avatar_id, kept.place, kept.size_bytes) == (avatar_id(mine), avatar_id(mine), len(mine))
        assert store.get(kept.avatar_id) == mine
        assert store.get_manifest(kept.avatar_id) is not None
        assert kept.profile is not None
        person = PersonProfile.load(kept.profile)
        assert (person.focal_ratio, person.avatar_id) == (PERSON.focal_ratio, kept.avatar_id)
    assert kept is not None
    assert {path.name for path in (tmp_path / "avatars" / "own").iterdir()} == {
        f"{kept.avatar_id}.{suffix}" for suffix in ("vav", "profile", "manifest")
    }


def test_a_key_that_cannot_be_used_is_said_before_anything_is_made(tmp_path: Path) -> None:
    load_owner_key(tmp_path)
    key_path(tmp_path).write_text("damage")
    with pytest.raises(KeyFileError, match="damaged"):
        StoreKeeper(AvatarStore(tmp_path), tmp_path / "own")


def test_a_file_of_ones_own_has_its_manifest_beside_it(tmp_path: Path, files: list[bytes]) -> None:
    key = OwnerKey.generate()
    keeper = FileKeeper(tmp_path / "me.vav", key)
    for data in files:
        kept = keeper.keep(data, None)
        mine = (tmp_path / "me.vav").read_bytes()
        assert owner_of(mine) == key.public
        assert (kept.avatar_id, kept.size_bytes) == (avatar_id(mine), len(mine))
        check_manifest(parse_manifest((tmp_path / "me.vav.manifest").read_text()), mine)
    assert len(list(tmp_path.iterdir())) == 2


def test_an_avatar_that_was_in_the_store_before_stays(tmp_path: Path, files: list[bytes]) -> None:
    store = AvatarStore(tmp_path)
    before = store.put(files[0], own=True)
    keeper = StoreKeeper(store, tmp_path / "own")
    for data in files:
        assert keeper.keep(data, None).profile is None
    assert store.has(before)


def test_a_file_has_the_person_beside_it(tmp_path: Path, files: list[bytes]) -> None:
    keeper = FileKeeper(tmp_path / "me.vav")
    for data in files:
        assert keeper.keep(data, PERSON).place == str(tmp_path / "me.vav")
    assert (tmp_path / "me.vav").read_bytes() == files[1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["me.profile", "me.vav"]


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, files: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    keeper = FileKeeper(tmp_path / "me.vav")
    keeper.keep(files[0], None)

    def full(path: Path, data: bytes) -> int:
        with path.open("wb") as file:
            file.write(data[:100])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(JobError, match=r"me\.vav cannot be written: No space left on device\."):
        keeper.keep(files[1], None)
    with pytest.raises(JobError, match=r"Cannot write the profile .*me\.profile: No space"):
        job_keep._save_profile(PERSON, tmp_path / "me.profile")
    assert (tmp_path / "me.vav").read_bytes() == files[0]
    assert [path.name for path in tmp_path.iterdir()] == ["me.vav"]


def test_handles(tmp_path: Path) -> None:
    first, second = "a" * 64, "b" * 64
    set_handle(tmp_path, "Me", first)
    assert find_handle(tmp_path, "me") == first
    set_handle(tmp_path, "me", second)
    assert find_handle(tmp_path, "ME") == second
    assert find_handle(tmp_path, "you") is None
    assert find_handle(tmp_path, "../me") is None
    (tmp_path / "own" / "bad.handle").write_text("nothing")
    assert find_handle(tmp_path, "bad") is None
    for wrong, sentence in (("a b", "no name"), ("", "no name"), ("x" * 33, "no name")):
        with pytest.raises(AvatarStoreError, match=sentence):
            check_handle(wrong)
    with pytest.raises(AvatarStoreError, match="guest's name"):
        check_handle(list_guests()[0].name.upper())


def test_arrays_come_back(tmp_path: Path) -> None:
    asset = replace(drawn_person(), motion_basis=None)
    save_asset(tmp_path / "a.npz", asset)
    assert load_asset(tmp_path / "a.npz").motion_basis is None
    asset = replace(asset, motion_basis=STANDARD)
    save_asset(tmp_path / "a.npz", asset)
    back = load_asset(tmp_path / "a.npz")
    assert back.motion_basis == STANDARD
    assert (back.name, back.head_model_id) == (asset.name, asset.head_model_id)
    np.testing.assert_array_equal(back.basis_grid, asset.basis_grid)
    np.testing.assert_array_equal(back.rigid_to_skull, asset.rigid_to_skull)
    save_arrays(tmp_path / "b.npz", {"x": np.arange(3)})
    with pytest.raises(CheckpointError, match="holds no avatar"):
        load_asset(tmp_path / "b.npz")
    np.savez_compressed(tmp_path / "c.npz", x=np.arange(3))
    for data in (b"", b"text", (tmp_path / "a.npz").read_bytes()[:-40], (tmp_path / "c.npz").read_bytes()):
        with pytest.raises(CheckpointError):
            parse_arrays(data)
    with pytest.raises(CheckpointError, match="cannot be read"):
        checkpoint.load_arrays(tmp_path / "none.npz")
