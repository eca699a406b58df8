from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from avatar_store.backends import s3
from avatar_store.errors import AvatarStoreError, PassphraseError, UnknownAvatar
from avatar_store.guests import guest_bytes, list_guests
from avatar_store.keys import set_passphrase
from avatar_store.open_store import default_store, open_store
from avatar_store.store import AvatarStore
from codec.avatar_owner import likeness_digest
from tests.avatar_store.conftest import PREFIX, BucketPlace
from tests.support.stored_avatars import avatar_bytes

AVATARS = [avatar_bytes(seed) for seed in range(4)]


@pytest.fixture
def store(tmp_path: Path, guests: Path) -> AvatarStore:
    return AvatarStore(tmp_path / "store", guests=guests)


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


def test_the_guests_are_listed_with_their_pictures(guests: Path) -> None:
    (guest,) = list_guests(guests)
    assert (guest.name, guest.file, guest.thumbnail) == ("Ada", guests / "ada.vav", guests / "ada.png")
    assert guest_bytes(guest.avatar_id, guests) == avatar_bytes(99)


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
    for name in ("VISAVIS_HOME", "XDG_DATA_HOME", "VISAVIS_STORE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, str(tmp_path / value))
    assert default_store().root == tmp_path / root
    identifier = default_store().put(AVATARS[0], own=True)
    assert (tmp_path / root / "own" / f"{identifier}.vav").is_file()
    assert (tmp_path / root / "own" / f"{identifier}.manifest").is_file()
    assert (tmp_path / root / "identity.pem").is_file()


def files_under(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("form", ["{}", "file://{}"])
def test_a_store_elsewhere_leaves_private_things_at_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.setenv("VISAVIS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("VISAVIS_STORE", form.format(tmp_path / "shared"))
    store = default_store()
    identifier = store.put(AVATARS[0], own=True)
    assert files_under(tmp_path / "shared") == {f"{identifier}.vav", f"{identifier}.manifest"}
    assert files_under(tmp_path / "home" / "avatars") == {"identity.pem", likeness_digest(AVATARS[0])}


def test_a_bucket_leaves_private_things_at_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bucket: BucketPlace
) -> None:
    monkeypatch.setenv("VISAVIS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("VISAVIS_STORE", f"s3://{bucket.bucket}/{PREFIX}?endpoint={bucket.endpoint}&region=eu-west-1")
    identifier = default_store().put(AVATARS[0], own=True)
    assert bucket.names() == {f"own/{identifier}.vav", f"own/{identifier}.manifest"}
    assert files_under(tmp_path / "home" / "avatars") == {"identity.pem", likeness_digest(AVATARS[0])}


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("ftp://host/path", "no address of a store"),
        ("file://host/path", "no address of a store"),
        ("s3://", "names no bucket"),
        ("s3://UPPER/x", "names no bucket"),
        ("s3://bucket:80/x", "names no bucket"),
        ("s3://bucket/x?key=1", "no option 'key'"),
        ("s3://bucket/x?nonsense", "no address of a bucket"),
        ("s3://bucket/../x", "cannot be a folder"),
        ("s3://bucket?endpoint=nowhere", "no address of an S3 server"),
        ("s3://user:secret@bucket/x", "AWS_ACCESS_KEY_ID"),
        ("s3://[", "no address of a store"),
    ],
)
def test_addresses_that_name_no_store_are_refused(tmp_path: Path, url: str, sentence: str) -> None:
    with pytest.raises(AvatarStoreError, match=sentence) as error:
        open_store(url, root=tmp_path)
    assert "secret" not in str(error.value)


def test_a_bucket_needs_its_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "obstore.store", None)
    with pytest.raises(AvatarStoreError, match=r"visavis\[s3\]"):
        open_store("s3://bucket", root=tmp_path)


def test_a_bucket_that_is_not_there_is_reported_in_a_sentence(
    tmp_path: Path, bucket: BucketPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(f"s3://elsewhere?endpoint={bucket.endpoint}", root=tmp_path)
    with pytest.raises(AvatarStoreError, match="elsewhere"):
        store.put(AVATARS[0], own=True)


def test_a_bucket_needs_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in s3.CREDENTIALS:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(AvatarStoreError, match="needs credentials"):
        open_store("s3://bucket", root=tmp_path)


def test_a_server_that_does_not_answer_is_reported_in_a_sentence(
    tmp_path: Path, bucket: BucketPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "MAX_RETRIES", 0)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens there
        store = open_store(f"s3://heads?endpoint=http://127.0.0.1:{taken.getsockname()[1]}", root=tmp_path)
        for ask in (lambda: store.get("0" * 64), lambda: store.entries(), lambda: store.has("0" * 64)):
            with pytest.raises(AvatarStoreError, match="bucket heads cannot be used") as error:
                ask()
            assert "\n" not in str(error.value)


def test_a_passphrase_comes_from_the_environment(store: AvatarStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VISAVIS_PASSPHRASE", raising=False)
    key = set_passphrase(store.root, None, "sesame")
    with pytest.raises(PassphraseError, match="VISAVIS_PASSPHRASE"):
        store.put(AVATARS[0], own=True)
    assert store.has(store.put(AVATARS[0]))
    monkeypatch.setenv("VISAVIS_PASSPHRASE", "sesame")
    assert store.owner_key().public == key.public
