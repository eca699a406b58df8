"""What every back-end does, and what the store does over each."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from avatar_store.errors import AvatarStoreError, ManifestForged, ManifestMismatch, NotTheOwner, UnknownAvatar
from avatar_store.keys import OwnerKey
from avatar_store.manifest import manifest_of, parse_manifest, sign_manifest
from avatar_store.store import AvatarStore, Entry
from avatar_store.wear import Worn, wear
from codec.avatar_file import avatar_id
from codec.avatar_owner import likeness_digest, owner_of, with_owner
from codec.errors import AvatarFileError
from tests.avatar_store.conftest import Place
from tests.support.stored_avatars import avatar_bytes

AVATARS = [avatar_bytes(seed) for seed in range(4)]
SIZE = max(len(data) for data in AVATARS)
PEER = OwnerKey.generate()
PEERS = with_owner(AVATARS[0], PEER.public)
PEERS_ID = avatar_id(PEERS)
PEERS_MANIFEST = sign_manifest(manifest_of(PEERS, PEER, "landmarks", 1), PEER)


@pytest.fixture
def store(place: Place, tmp_path: Path, guests: Path) -> AvatarStore:
    return AvatarStore(tmp_path / "local", 3 * SIZE + 3000, guests=guests, backend=place.backend())


class TestBackend:
    def test_what_is_put_is_there_whole(self, place: Place) -> None:
        backend = place.backend()
        assert backend.get("own/a.vav", 10) is None
        assert not backend.has("own/a.vav")
        for data in (b"hello", b"", b"other"):
            backend.put("own/a.vav", data)
            assert backend.get("own/a.vav", 10) == data
        assert backend.has("own/a.vav")
        assert not backend.has("foreign/a.vav")
        assert place.names() == {"own/a.vav"}

    def test_what_is_longer_than_expected_is_cut_off(self, place: Place) -> None:
        backend = place.backend()
        backend.put("own/a.vav", bytes(range(10)))
        assert backend.get("own/a.vav", 10) == bytes(range(10))
        assert backend.get("own/a.vav", 5) == bytes(range(6))

    def test_what_is_deleted_is_gone(self, place: Place) -> None:
        backend = place.backend()
        assert not backend.delete("own/a.vav")
        backend.put("own/a.vav", b"hello")
        backend.touch("own/a.vav")
        assert backend.delete("own/a.vav")
        assert not backend.has("own/a.vav")
        assert backend.list("own") == []

    def test_a_listing_has_sizes_and_times_of_a_folder(self, place: Place) -> None:
        backend = place.backend()
        assert backend.list("own") == []
        for name, data in (("own/a.vav", b"hello"), ("own/b.manifest", b""), ("foreign/a.vav", b"hi")):
            backend.put(name, data)
        place.age("own/a.vav", 1000)
        found = {item.name: item for item in backend.list("own")}
        assert {name: item.size for name, item in found.items()} == {"own/a.vav": 5, "own/b.manifest": 0}
        assert found["own/a.vav"].used == pytest.approx(time.time() - 1000, abs=100)
        backend.touch("own/a.vav")
        (touched,) = [item for item in backend.list("own") if item.name == "own/a.vav"]
        assert touched.used == pytest.approx(time.time(), abs=100)
        backend.touch("own/gone.vav")
        assert not backend.has("own/gone.vav")
        assert len(backend.list("own")) == 2

    def test_writers_at_the_same_time_leave_one_whole_object(self, place: Place) -> None:
        backend = place.backend()
        contents = [bytes([number]) * 50_000 for number in range(8)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda data: backend.put("own/a.vav", data), contents))
        assert backend.get("own/a.vav", 1 << 20) in contents

    def test_a_place_that_refuses_is_reported_in_a_sentence(self, place: Place) -> None:
        backend = place.backend()
        place.refuse()
        with pytest.raises(AvatarStoreError, match=r"cannot be (stored|used)|no bucket"):
            backend.put("own/a.vav", b"hello")


class TestStore:
    def test_what_comes_from_others_is_found_by_the_hash_of_its_bytes(self, store: AvatarStore, place: Place) -> None:
        identifier = store.put(AVATARS[0])
        assert identifier == avatar_id(AVATARS[0])
        assert store.has(identifier)
        assert not store.is_own(identifier)
        assert store.get(identifier) == AVATARS[0]
        assert store.put(AVATARS[0]) == identifier
        assert place.names() == {f"foreign/{identifier}.vav"}
        assert not store.has(avatar_id(AVATARS[1]))
        assert store.get(avatar_id(AVATARS[1])) is None

    def test_an_own_avatar_gets_its_owner_and_a_manifest(self, store: AvatarStore, place: Place) -> None:
        key = store.owner_key()
        identifier = store.put(AVATARS[0], own=True, extractor="landmarks")
        data = store.get(identifier)
        assert data is not None
        assert data == with_owner(AVATARS[0], key.public)
        assert store.is_own(identifier)
        assert not store.has(avatar_id(AVATARS[0]))
        text = store.get_manifest(identifier)
        assert text is not None
        manifest = parse_manifest(text)
        assert (manifest.avatar_id, manifest.owner_key, manifest.extractor) == (identifier, key.public, "landmarks")
        assert manifest.created == pytest.approx(time.time(), abs=100)
        assert place.names() == {f"own/{identifier}.vav", f"own/{identifier}.manifest"}
        assert store.put(data, own=True) == store.put(AVATARS[0], own=True) == identifier
        assert store.get_manifest(identifier) == text
        assert store.acquaintances.first_owner(likeness_digest(AVATARS[0])) == key.public

    def test_what_is_somebody_elses_is_never_own(self, store: AvatarStore, place: Place) -> None:
        with pytest.raises(NotTheOwner, match="belongs to somebody else"):
            store.put(PEERS, own=True)
        assert place.names() == set()

    def test_only_avatar_files_are_stored(self, store: AvatarStore, place: Place) -> None:
        for data in (b"", b"hello", AVATARS[0][:-1]):
            for own in (True, False):
                with pytest.raises(AvatarFileError):
                    store.put(data, own=own)
        assert place.names() == set()

    def test_a_peers_manifest_is_verified_and_kept(self, store: AvatarStore, place: Place) -> None:
        assert store.put(PEERS, manifest=PEERS_MANIFEST) == PEERS_ID
        assert store.get_manifest(PEERS_ID) == PEERS_MANIFEST
        assert store.put(PEERS, manifest=PEERS_MANIFEST) == PEERS_ID
        assert place.names() == {f"foreign/{PEERS_ID}.vav", f"foreign/{PEERS_ID}.manifest"}

    def test_a_manifest_that_does_not_fit_keeps_the_file_out(self, store: AvatarStore, place: Place) -> None:
        other = with_owner(AVATARS[1], PEER.public)
        with pytest.raises(ManifestMismatch):
            store.put(other, manifest=PEERS_MANIFEST)
        with pytest.raises(ManifestForged):
            store.put(PEERS, manifest=PEERS_MANIFEST.replace("landmarks", "landmarkz"))
        assert place.names() == set()

    @pytest.mark.parametrize("damage", [b"", b"x" * 300, bytes(5 << 20)])
    def test_a_damaged_file_is_removed_and_can_come_again(
        self, store: AvatarStore, place: Place, damage: bytes
    ) -> None:
        identifier = store.put(AVATARS[0])
        place.write(f"foreign/{identifier}.vav", damage)
        assert store.get(identifier) is None
        assert not store.has(identifier)
        store.put(AVATARS[0])
        assert store.get(identifier) == AVATARS[0]

    @pytest.mark.parametrize("damage", [b"", b"\xff\xfe", b"x" * 100_000, PEERS_MANIFEST[1:].encode()])
    def test_a_damaged_manifest_is_removed_and_can_come_again(
        self, store: AvatarStore, place: Place, damage: bytes
    ) -> None:
        store.put(PEERS, manifest=PEERS_MANIFEST)
        place.write(f"foreign/{PEERS_ID}.manifest", damage)
        assert store.get_manifest(PEERS_ID) is None
        assert place.names() == {f"foreign/{PEERS_ID}.vav"}
        store.put(PEERS, manifest=PEERS_MANIFEST)
        assert store.get_manifest(PEERS_ID) == PEERS_MANIFEST

    def test_a_swapped_manifest_is_removed(self, store: AvatarStore, place: Place) -> None:
        first, second = (store.put(data, own=True) for data in AVATARS[:2])
        text = store.get_manifest(first)
        assert text is not None
        place.write(f"own/{second}.manifest", text.encode())
        assert store.get_manifest(second) is None
        assert store.get_manifest(first) == text

    def test_a_manifest_without_its_file_is_none(self, store: AvatarStore, place: Place) -> None:
        place.write(f"foreign/{PEERS_ID}.manifest", PEERS_MANIFEST.encode())
        assert store.get_manifest(PEERS_ID) is None

    def test_putting_over_a_damaged_file_repairs_it(self, store: AvatarStore, place: Place) -> None:
        for own in (False, True):
            identifier = store.put(AVATARS[0], own=own)
            for name in place.names():
                place.write(name, b"damage")
            assert store.put(AVATARS[0], own=own) == identifier
            assert avatar_id(store.get(identifier) or b"") == identifier
            assert (store.get_manifest(identifier) is not None) == own

    def test_the_least_recently_used_goes_first_and_own_ones_stay(self, store: AvatarStore, place: Place) -> None:
        own = store.put(avatar_bytes(7), own=True)
        first, second, third = (store.put(data) for data in AVATARS[:3])
        for age, identifier in ((3000, first), (2000, second), (1000, third)):
            place.age(f"foreign/{identifier}.vav", age)
        assert store.get(first) is not None
        fourth = store.put(AVATARS[3])
        assert [store.has(item) for item in (first, second, third, fourth, own)] == [True, False, True, True, True]
        assert [entry.avatar_id for entry in store.entries()][-1] == third

    def test_a_manifest_goes_with_its_file(self, store: AvatarStore, place: Place) -> None:
        store.put(PEERS, manifest=PEERS_MANIFEST)
        place.age(f"foreign/{PEERS_ID}.vav", 1000)
        for data in AVATARS[1:]:
            store.put(data)
        assert not store.has(PEERS_ID)
        assert not any(PEERS_ID in name for name in place.names())

    def test_an_avatar_larger_than_the_quota_is_refused(self, place: Place, tmp_path: Path, guests: Path) -> None:
        store = AvatarStore(tmp_path, 100, guests=guests, backend=place.backend())
        with pytest.raises(AvatarStoreError, match="quota"):
            store.put(AVATARS[0])
        assert store.has(store.put(AVATARS[0], own=True))

    def test_forgetting_deletes_for_good(self, store: AvatarStore, place: Place) -> None:
        own = store.put(AVATARS[0], own=True)
        data = store.get(own)
        assert data is not None
        place.write(f"foreign/{own}.vav", data)
        store.put(PEERS, manifest=PEERS_MANIFEST)
        likeness = likeness_digest(data)
        assert store.acquaintances.first_owner(likeness) is not None
        assert store.forget(PEERS_ID)
        assert store.acquaintances.first_owner(likeness) is not None, "it is another owner's"
        assert store.forget(own)
        assert store.acquaintances.first_owner(likeness) is None
        for identifier in (own, PEERS_ID):
            assert not store.has(identifier)
            assert not store.forget(identifier)
        assert place.names() == set()

    def test_a_listing_has_all_but_the_guests(self, store: AvatarStore, place: Place) -> None:
        assert store.entries() == []
        own, foreign = store.put(AVATARS[0], own=True), store.put(AVATARS[1])
        place.write("foreign/notes.txt", b"what somebody left here")
        place.age(f"own/{own}.vav", 1000)
        entries = store.entries()
        assert [(entry.avatar_id, entry.own) for entry in entries] == [(foreign, False), (own, True)]
        assert isinstance(entries[0], Entry)
        assert entries[0].size == len(AVATARS[1])
        assert entries[1].used == pytest.approx(time.time() - 1000, abs=100)

    @pytest.mark.parametrize(
        "identifier",
        ["", "..", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 64 + "\n", "0" * 64 + "/../x", "\x00" * 64],
    )
    def test_ids_that_are_not_hashes_reach_nothing(self, store: AvatarStore, place: Place, identifier: str) -> None:
        place.write("foreign/.vav", AVATARS[0])
        assert store.get(identifier) is None
        assert store.get_manifest(identifier) is None
        assert not store.has(identifier)
        assert not store.is_own(identifier)
        assert not store.forget(identifier)
        assert place.names() == {"foreign/.vav"}

    def test_writers_at_the_same_time_leave_whole_avatars(self, store: AvatarStore) -> None:
        store.owner_key()
        with ThreadPoolExecutor(6) as pool:
            ids = list(pool.map(lambda data: store.put(data, own=True), AVATARS[:2] * 4))
        assert len(set(ids)) == 2
        assert all(store.get_manifest(identifier) is not None for identifier in ids)

    def test_guests_are_always_here(self, store: AvatarStore, place: Place) -> None:
        guest = avatar_id(avatar_bytes(99))
        assert store.get(guest) == avatar_bytes(99)
        assert store.has(guest)
        assert store.is_guest(guest)
        for own in (True, False):
            assert store.put(avatar_bytes(99), own=own) == guest
        assert store.get_manifest(guest) is None
        assert not store.forget(guest)
        assert place.names() == set()


class TestWearing:
    def test_an_own_avatar_is_worn_with_its_manifest(self, store: AvatarStore) -> None:
        identifier = store.put(AVATARS[0], own=True)
        data = with_owner(AVATARS[0], store.owner_key().public)
        assert wear(store, identifier) == Worn(identifier, data, store.get_manifest(identifier))

    def test_one_from_before_there_were_owners_gets_one(self, store: AvatarStore, place: Place) -> None:
        old = avatar_id(AVATARS[0])
        place.write(f"own/{old}.vav", AVATARS[0])
        worn = wear(store, old)
        assert worn.avatar_id != old
        assert owner_of(worn.data) == store.owner_key().public
        assert worn.manifest is not None
        assert parse_manifest(worn.manifest).avatar_id == worn.avatar_id
        assert store.has(old)

    def test_guests_are_nobodys(self, store: AvatarStore) -> None:
        guest = avatar_id(avatar_bytes(99))
        assert wear(store, guest) == Worn(guest, avatar_bytes(99), None)

    def test_what_came_from_others_is_not_worn(self, store: AvatarStore, place: Place) -> None:
        store.put(PEERS, manifest=PEERS_MANIFEST)
        unowned = store.put(AVATARS[1])
        for identifier in (PEERS_ID, unowned):
            with pytest.raises(NotTheOwner, match="came from somebody else"):
                wear(store, identifier)
        place.write(f"own/{PEERS_ID}.vav", PEERS)
        with pytest.raises(NotTheOwner, match="belongs to somebody else"):
            wear(store, PEERS_ID)

    def test_what_is_not_here_is_not_worn(self, store: AvatarStore) -> None:
        with pytest.raises(UnknownAvatar):
            wear(store, "0" * 64)
