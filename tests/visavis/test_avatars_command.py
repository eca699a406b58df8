"""`visavis avatars`: what it prints and does, and what it says when it cannot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from avatar_store.guests import list_guests
from avatar_store.handles import find_handle, set_handle
from avatar_store.keys import OwnerKey, fingerprint, load_owner_key
from avatar_store.manifest import check_manifest, manifest_of, parse_manifest, sign_manifest
from avatar_store.open_store import default_store
from avatar_store.store import AvatarStore
from client.avatars import AvatarLibrary
from client.choose_avatar import choose_avatar
from codec.avatar_file import avatar_id
from codec.avatar_owner import likeness_digest, owner_of, with_owner
from renderer.head.open_head import load_open_head
from tests.support.stored_avatars import avatar_bytes
from visavis.__main__ import app

PEER = OwnerKey.generate()
PEERS = with_owner(avatar_bytes(1), PEER.public)
PEERS_MANIFEST = sign_manifest(manifest_of(PEERS, PEER, "landmarks", 1_800_000_000), PEER)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AvatarStore:
    for name in ("VISAVIS_STORE", "VISAVIS_PASSPHRASE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("VISAVIS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "160")
    return default_store()


def run(*arguments: object, keys: str | None = None) -> Result:
    return CliRunner().invoke(app, ["avatars", *map(str, arguments)], input=keys)


def told(*arguments: object) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def refused(*arguments: object, keys: str | None = None) -> str:
    """The sentence; visavis.__main__.main prints it and ends with status 1."""
    result = run(*arguments, keys=keys)
    assert result.exit_code == 1
    assert result.exception is not None
    assert type(result.exception).__module__.split(".")[0] in ("visavis", "avatar_store")
    assert "\n" not in str(result.exception)
    return str(result.exception)


def write_peers(folder: Path, manifest: str | None = PEERS_MANIFEST) -> Path:
    (folder / "peer.vav").write_bytes(PEERS)
    if manifest is not None:
        (folder / "peer.vav.manifest").write_text(manifest)
    return folder / "peer.vav"


def test_the_list_has_own_foreign_and_guests(store: AvatarStore) -> None:
    own = store.put(avatar_bytes(0), own=True)
    set_handle(store.root, "Me", own)
    store.put(PEERS, manifest=PEERS_MANIFEST)
    rows = {row["id"]: row for row in told("list")}
    mine, theirs = rows[own], rows[avatar_id(PEERS)]
    assert (mine["handles"], mine["name"], mine["kind"]) == (["me"], "avatar 0", "own")
    assert mine["owner"] == fingerprint(store.owner_key().public)
    assert (theirs["handles"], theirs["kind"], theirs["owner"]) == ([], "foreign", fingerprint(PEER.public))
    assert theirs["bytes"] == len(PEERS)
    assert theirs["used"] > 1_700_000_000
    assert sum(row["kind"] == "guest" for row in rows.values()) == len(list_guests())
    printed = run("list").stdout
    for text in ("me", own[:12], "avatar 0", fingerprint(PEER.public)[:9], list_guests()[0].name):
        assert text in printed


def test_listing_is_no_use(store: AvatarStore) -> None:
    store.put(PEERS)
    used = {entry.avatar_id: entry.used for entry in store.entries()}
    told("list")
    told("show", avatar_id(PEERS)[:12])
    assert {entry.avatar_id: entry.used for entry in store.entries()} == used


def test_an_avatar_is_shown_by_whatever_names_it(store: AvatarStore, tmp_path: Path) -> None:
    own = store.put(avatar_bytes(0), own=True, extractor="landmarks")
    set_handle(store.root, "me", own)
    for named in ("ME", own, own[:8]):
        shown = told("show", named)
        assert (shown["id"], shown["kind"], shown["signature"]) == (own, "own", "holds")
        assert (shown["gaussians"], shown["extractor"], shown["version"]) == (1500, "landmarks", 0)
        assert shown["likeness"] == likeness_digest(avatar_bytes(0))
        assert shown["first_seen_with"] == shown["owner"] == fingerprint(store.owner_key().public)
        assert [section["tag"] for section in shown["sections"]][:3] == ["HEAD", "OWNR", "SHAP"]
    printed = run("show", "me").stdout
    assert "signature: holds" in printed
    assert "OWNR 32" in printed
    assert told("show", write_peers(tmp_path))["signature"] == "holds"
    assert told("show", list_guests()[0].name)["kind"] == "guest"


def test_a_signature_that_does_not_hold_is_named(store: AvatarStore, tmp_path: Path) -> None:
    path = write_peers(tmp_path, PEERS_MANIFEST.replace("landmarks", "landmarkz"))
    assert "not that of the avatar's owner" in told("show", path)["signature"]
    path = write_peers(tmp_path, "nonsense")
    assert "does not begin with a signature" in told("show", path)["signature"]
    (tmp_path / "peer.vav.manifest").unlink()
    assert told("show", path)["signature"] == "there is no manifest"


def test_what_names_nothing_is_refused(store: AvatarStore, tmp_path: Path) -> None:
    ids = [store.put(avatar_bytes(seed)) for seed in range(3)]
    assert "There is no avatar" in refused("show", "nobody")
    assert "There is no avatar" in refused("show", "0" * 64)
    assert "There is no avatar" in refused("show", "n" * 5000)
    assert "There is no file" in refused("import", "n" * 5000)
    assert "There is no avatar" in refused("show", ids[0][:3])
    (tmp_path / "text.vav").write_text("hello")
    assert "no avatar" in refused("show", tmp_path / "text.vav")
    assert "no avatar" in refused("import", tmp_path / "text.vav")
    assert "There is no file" in refused("import", tmp_path / "none.vav")


def test_several_that_begin_alike_are_refused(store: AvatarStore, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = store.entries
    store.put(avatar_bytes(0))
    (entry,) = entries()
    twin = entry.avatar_id[:10] + "f" * 54
    monkeypatch.setattr(AvatarStore, "entries", lambda self: [entry, type(entry)(twin, False, 1, 1.0)])
    assert "2 avatars begin" in refused("show", entry.avatar_id[:8])


def test_what_is_exported_can_be_imported_elsewhere(
    store: AvatarStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = store.put(avatar_bytes(0), own=True, extractor="landmarks")
    out = tmp_path / "out.vav"
    assert run("export", own[:10], "-o", out).exit_code == 0
    assert avatar_id(out.read_bytes()) == own
    check_manifest(parse_manifest((tmp_path / "out.vav.manifest").read_text()), out.read_bytes())
    assert run("export", list_guests()[0].name, "-o", tmp_path / "guest.vav").exit_code == 0
    assert not (tmp_path / "guest.vav.manifest").exists()
    assert run("import", out, "--as", "back").stdout == f"imported {own} (own)\n"
    monkeypatch.setenv("VISAVIS_HOME", str(tmp_path / "elsewhere"))
    assert run("import", out).stdout == f"imported {own} (foreign)\n"
    elsewhere = default_store()
    assert elsewhere.get_manifest(own) == (tmp_path / "out.vav.manifest").read_text()
    assert elsewhere.acquaintances.first_owner(likeness_digest(out.read_bytes())) == store.owner_key().public
    assert sorted(path.name for path in tmp_path.glob("*.part")) == []


def test_an_export_that_cannot_be_written_is_refused(store: AvatarStore, tmp_path: Path) -> None:
    for out in (tmp_path / "none" / "x.vav", tmp_path):
        assert "cannot be written" in refused("export", list_guests()[0].name, "-o", out)


def test_what_is_nobodys_becomes_ones_own(store: AvatarStore, tmp_path: Path) -> None:
    (tmp_path / "old.vav").write_bytes(avatar_bytes(0))
    assert run("import", tmp_path / "old.vav", "--as", "old").exit_code == 0
    found = find_handle(store.root, "old")
    assert found is not None
    data = store.get(found)
    assert data is not None
    assert owner_of(data) == store.owner_key().public
    assert told("show", "old")["signature"] == "holds"


def test_what_was_tampered_with_is_not_imported(store: AvatarStore, tmp_path: Path) -> None:
    path = write_peers(tmp_path, PEERS_MANIFEST.replace("landmarks", "landmarkz"))
    assert "was not imported: The signature" in refused("import", path)
    path = write_peers(tmp_path)
    path.write_bytes(with_owner(avatar_bytes(2), PEER.public))
    assert "not the one that its manifest describes" in refused("import", path)
    assert store.entries() == []


def test_a_copy_under_another_key_is_not_imported(store: AvatarStore, tmp_path: Path) -> None:
    assert run("import", write_peers(tmp_path)).exit_code == 0
    thief = OwnerKey.generate()
    for name, data in (("stolen", with_owner(avatar_bytes(1), thief.public)), ("bare", avatar_bytes(1))):
        (tmp_path / f"{name}.vav").write_bytes(data)
        assert "is a copy of the avatar 'avatar 1' of somebody else" in refused("import", tmp_path / f"{name}.vav")
    assert [entry.avatar_id for entry in store.entries()] == [avatar_id(PEERS)]


def test_only_own_avatars_have_handles(store: AvatarStore, tmp_path: Path) -> None:
    path = write_peers(tmp_path)
    assert "only own avatars have names" in refused("import", path, "--as", "her")
    assert "is no name for an avatar" in refused("import", path, "--as", "a b")
    assert store.entries() == []


def test_forgetting_leaves_nothing(store: AvatarStore) -> None:
    own = store.put(avatar_bytes(0), own=True)
    set_handle(store.root, "me", own)
    (store.root / "own" / f"{own}.profile").write_bytes(b"a profile")
    assert "Nothing was deleted" in refused("forget", "me", keys="n\n")
    assert store.has(own)
    assert run("forget", "me", keys="y\n").exit_code == 0
    left = [path.name for path in store.root.rglob("*") if path.is_file()]
    assert left == ["identity.pem"]
    store.put(PEERS, manifest=PEERS_MANIFEST)
    assert run("forget", avatar_id(PEERS), "--yes").exit_code == 0
    assert store.entries() == []


def test_guests_and_files_are_not_forgotten(store: AvatarStore, tmp_path: Path) -> None:
    assert "Guests stay" in refused("forget", list_guests()[0].name, "--yes")
    assert "not files" in refused("forget", write_peers(tmp_path), "--yes")


def test_the_key_is_shown_locked_and_unlocked(store: AvatarStore, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = told("key")
    assert shown["fingerprint"] == fingerprint(load_owner_key(store.root).public)
    assert (shown["file"], shown["passphrase"]) == (str(store.root / "identity.pem"), False)
    assert "passphrase: yes" in run("key", "--set-passphrase", keys="sesame\nsesame\n").stdout
    assert "is not that of the key" in refused("key", keys="wrong\n")
    monkeypatch.setenv("VISAVIS_PASSPHRASE", "sesame")
    assert told("key") == shown | {"passphrase": True}
    assert "passphrase: no" in run("key", "--remove-passphrase").stdout
    assert "either" in refused("key", "--set-passphrase", "--remove-passphrase")


def test_a_locked_key_wants_its_passphrase(store: AvatarStore, tmp_path: Path) -> None:
    run("key", "--set-passphrase", keys="sesame\nsesame\n")
    (tmp_path / "old.vav").write_bytes(avatar_bytes(0))
    assert "VISAVIS_PASSPHRASE" in refused("import", tmp_path / "old.vav")


def test_a_store_that_cannot_be_is_one_sentence(store: AvatarStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_STORE", "ftp://nowhere")
    assert "no address of a store" in refused("list")


def test_bots_wear_what_is_theirs_and_nothing_else(store: AvatarStore, tmp_path: Path) -> None:
    library = AvatarLibrary.with_shipped_guests(load_open_head(), store)
    (tmp_path / "old.vav").write_bytes(avatar_bytes(0))
    worn = choose_avatar(str(tmp_path / "old.vav"), "bot", library)
    assert worn == avatar_id(with_owner(avatar_bytes(0), store.owner_key().public))
    assert store.get_manifest(worn) is not None
    assert choose_avatar(worn, "bot", library) == worn
    path = write_peers(tmp_path)
    store.put(PEERS)
    for named in (str(path), avatar_id(PEERS)):
        with pytest.raises(Exception, match="only its owner can wear it"):
            choose_avatar(named, "bot", library)
