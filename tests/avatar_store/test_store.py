from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from avatar_store.errors import AvatarStoreError, UnknownAvatar
from avatar_store.guests import guest_bytes, list_guests
from avatar_store.store import AvatarStore, default_store
from codec.avatar_asset import AvatarAsset
from codec.avatar_file import avatar_id, pack_avatar
from codec.errors import AvatarFileError


def avatar_bytes(seed: int = 0) -> bytes:
    rng = np.random.default_rng(seed)
    n = 50
    return pack_avatar(
        AvatarAsset(
            head_model_id="00" * 32,
            name=f"avatar {seed}",
            shape_offsets=np.zeros((3, 3), np.float32),
            faces_bound=np.zeros(n, np.int32),
            barycentrics=np.tile(np.array([1, 0, 0], np.float32), (n, 1)),
            local_means=rng.normal(0, 0.01, (n, 3)).astype(np.float32),
            local_quats=np.tile(np.array([1, 0, 0, 0], np.float32), (n, 1)),
            log_scales=np.full((n, 3), -6, np.float32),
            logit_opacities=np.zeros(n, np.float32),
            sh0=np.zeros((n, 3), np.float32),
            rigid_to_skull=np.zeros(n, np.bool_),
            grid_uv=np.zeros((n, 2), np.float32),
            basis_grid=np.zeros((0, 9, 0, 0), np.float16),
            basis_weights=np.zeros((0, 65), np.float32),
        )
    )


AVATARS = [avatar_bytes(seed) for seed in range(4)]
SIZE = max(len(data) for data in AVATARS)


@pytest.fixture
def guests(tmp_path: Path) -> Path:
    directory = tmp_path / "guests"
    directory.mkdir()
    data = avatar_bytes(99)
    (directory / "ada.vav").write_bytes(data)
    entry = {"avatar_id": avatar_id(data), "name": "Ada", "file": "ada.vav", "thumbnail": "ada.png", "license": "CC0"}
    (directory / "guests.json").write_text(json.dumps([entry]))
    return directory


@pytest.fixture
def store(tmp_path: Path, guests: Path) -> AvatarStore:
    return AvatarStore(tmp_path / "store", 3 * SIZE, guests=guests)


def stored_files(tmp_path: Path) -> list[Path]:
    return sorted(path for path in (tmp_path / "store").rglob("*") if path.is_file())


def set_age(tmp_path: Path, identifier: str, seconds: int) -> None:
    os.utime(tmp_path / "store" / "foreign" / f"{identifier}.vav", (1e9 - seconds, 1e9 - seconds))


def test_what_is_put_is_found_by_the_hash_of_its_bytes(store: AvatarStore, tmp_path: Path) -> None:
    identifier = store.put(AVATARS[0])
    assert identifier == avatar_id(AVATARS[0])
    assert store.has(identifier)
    assert store.get(identifier) == AVATARS[0]
    assert store.put(AVATARS[0]) == identifier
    assert len(stored_files(tmp_path)) == 1
    assert not store.has(avatar_id(AVATARS[1]))
    assert store.get(avatar_id(AVATARS[1])) is None


def test_only_avatar_files_are_stored(store: AvatarStore, tmp_path: Path) -> None:
    for data in (b"", b"hello", AVATARS[0][:-1]):
        with pytest.raises(AvatarFileError):
            store.put(data)
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("damage", [b"", b"x" * 300, bytes(5 << 20)])
def test_a_damaged_file_is_removed_and_can_come_again(store: AvatarStore, tmp_path: Path, damage: bytes) -> None:
    identifier = store.put(AVATARS[0])
    stored_files(tmp_path)[0].write_bytes(damage)
    assert store.get(identifier) is None
    assert not store.has(identifier)
    store.put(AVATARS[0])
    assert store.get(identifier) == AVATARS[0]


def test_putting_over_a_damaged_file_repairs_it(store: AvatarStore, tmp_path: Path) -> None:
    for own in (False, True):
        identifier = store.put(AVATARS[0], own=own)
        for path in stored_files(tmp_path):
            path.write_bytes(b"damage")
        store.put(AVATARS[0], own=own)
        assert store.get(identifier) == AVATARS[0]


def test_the_least_recently_used_foreign_avatar_goes_first_and_own_ones_stay(
    store: AvatarStore, tmp_path: Path
) -> None:
    own = store.put(avatar_bytes(7), own=True)
    first, second, third = (store.put(data) for data in AVATARS[:3])
    for age, identifier in ((30, first), (20, second), (10, third)):
        set_age(tmp_path, identifier, age)
    assert store.get(first) is not None
    fourth = store.put(AVATARS[3])
    assert [store.has(identifier) for identifier in (first, second, third, fourth, own)] == [
        True,
        False,
        True,
        True,
        True,
    ]


def test_an_avatar_larger_than_the_quota_is_refused(tmp_path: Path, guests: Path) -> None:
    store = AvatarStore(tmp_path / "store", 100, guests=guests)
    with pytest.raises(AvatarStoreError, match="quota"):
        store.put(AVATARS[0])
    assert store.has(store.put(AVATARS[0], own=True))


def test_forgetting_deletes_for_good(store: AvatarStore, tmp_path: Path) -> None:
    identifier = store.put(AVATARS[0])
    store.put(AVATARS[0], own=True)
    assert store.forget(identifier)
    assert not store.has(identifier)
    assert not stored_files(tmp_path)
    assert not store.forget(identifier)


@pytest.mark.parametrize(
    "identifier", ["", "..", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 64 + "\n", "0" * 64 + "/../x", "\x00" * 64]
)
def test_ids_that_are_not_hashes_never_reach_the_disk(store: AvatarStore, tmp_path: Path, identifier: str) -> None:
    (tmp_path / "store" / "foreign").mkdir(parents=True)
    (tmp_path / "store" / "foreign" / ".vav").write_bytes(AVATARS[0])
    assert store.get(identifier) is None
    assert not store.has(identifier)
    assert not store.forget(identifier)
    assert len(stored_files(tmp_path)) == 1


def test_leftovers_of_killed_processes_are_cleared_and_running_ones_are_not(store: AvatarStore, tmp_path: Path) -> None:
    store.put(AVATARS[0])
    foreign = tmp_path / "store" / "foreign"
    (foreign / "old.part").write_bytes(b"x")
    (foreign / "new.part").write_bytes(b"x")
    os.utime(foreign / "old.part", (1e9, 1e9))
    store.put(AVATARS[1])
    assert [path.name for path in foreign.glob("*.part")] == ["new.part"]


def test_a_disk_that_refuses_is_reported_in_a_sentence(tmp_path: Path, guests: Path) -> None:
    (tmp_path / "store").write_text("a file where the directory should be")
    with pytest.raises(AvatarStoreError, match="cannot be stored"):
        AvatarStore(tmp_path / "store", guests=guests).put(AVATARS[0])


def test_guests_are_always_here(store: AvatarStore, guests: Path, tmp_path: Path) -> None:
    (guest,) = list_guests(guests)
    assert (guest.name, guest.file, guest.thumbnail) == ("Ada", guests / "ada.vav", guests / "ada.png")
    data = store.get(guest.avatar_id)
    assert data == guest_bytes(guest.avatar_id, guests)
    assert store.has(guest.avatar_id)
    assert store.put(avatar_bytes(99)) == guest.avatar_id
    assert not store.forget(guest.avatar_id)
    assert not (tmp_path / "store").exists()


def test_damaged_guests_are_named(guests: Path) -> None:
    (guest,) = list_guests(guests)
    with pytest.raises(UnknownAvatar):
        guest_bytes("0" * 64, guests)
    guest.file.write_bytes(b"damage")
    with pytest.raises(AvatarStoreError, match="damaged"):
        guest_bytes(guest.avatar_id, guests)


@pytest.mark.parametrize(
    "text", ["{", "[{}]", '[{"avatar_id": "x", "name": "n", "file": "../f", "thumbnail": "t"}]', "[3]"]
)
def test_a_malformed_guest_list_is_reported(tmp_path: Path, text: str) -> None:
    (tmp_path / "guests.json").write_text(text)
    with pytest.raises(AvatarStoreError, match="cannot be listed"):
        list_guests(tmp_path)
    assert AvatarStore(tmp_path / "store", guests=tmp_path).get("0" * 64) is None


@pytest.mark.parametrize(
    ("variables", "root"),
    [
        ({"VISAVIS_HOME": "home"}, "home/avatars"),
        ({"XDG_DATA_HOME": "data"}, "data/visavis/avatars"),
        ({"HOME": "user"}, "user/.local/share/visavis/avatars"),
    ],
)
def test_the_default_store_follows_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], root: str
) -> None:
    for name in ("VISAVIS_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, str(tmp_path / value))
    default_store().put(AVATARS[0], own=True)
    assert (tmp_path / root / "own" / f"{avatar_id(AVATARS[0])}.vav").is_file()
