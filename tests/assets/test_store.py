import json
import os
from pathlib import Path

import pytest

from assets.errors import AssetDamaged, AssetError
from assets.store import ABANDONED_S, AssetStore, default_asset_store

ABOUT = {"source": "/home/me/model.pkl", "sha256": "ab" * 32, "edition": "flame-2020", "licence": "research only"}


@pytest.fixture
def store(tmp_path) -> AssetStore:
    return AssetStore(tmp_path / "assets")


def test_what_was_added_is_found_by_another_process(store, tmp_path):
    (tmp_path / "other.bin").write_bytes(b"from a file")
    added = store.add("flame", {"head.npz": b"content", "other.bin": tmp_path / "other.bin"}, **ABOUT)
    found = AssetStore(store.root).find("flame")
    assert found == added
    assert found.path("head.npz").read_bytes() == b"content"
    assert found.path("other.bin").read_bytes() == b"from a file"
    assert (found.source, found.sha256, found.edition, found.licence) == (
        "model.pkl",
        "ab" * 32,
        "flame-2020",
        "research only",
    )
    assert found.installed.endswith("+00:00")
    assert store.installed() == [added]
    assert store.find("smirk") is None


def test_a_new_installation_replaces_the_old_one_and_sweeps_what_was_abandoned(store):
    old = store.add("flame", {"head.npz": b"old"}, **ABOUT)
    being_filled, abandoned = store.root / "flame-busy", store.root / "flame-dead"
    for folder in (being_filled, abandoned):
        folder.mkdir()
    os.utime(abandoned, (0, os.stat(abandoned).st_mtime - 2 * ABANDONED_S))
    new = store.add("flame", {"head.npz": b"new"}, **ABOUT)
    assert store.find("flame") == new
    assert new.path("head.npz").read_bytes() == b"new"
    assert not old.folder.exists()
    assert not abandoned.exists()
    assert being_filled.exists()


def test_an_installation_that_fails_leaves_the_old_one(store, tmp_path):
    old = store.add("smirk", {"net.onnx": b"old"}, **ABOUT)
    with pytest.raises(AssetError, match="cannot be stored"):
        store.add("smirk", {"net.onnx": tmp_path / "absent"}, **ABOUT)
    assert store.find("smirk") == old
    assert sorted(path.name for path in store.root.iterdir()) == [old.folder.name, "smirk.json"]


def test_a_file_name_that_is_no_text_is_kept_as_one(store):
    asset = store.add("flame", {"head.npz": b"content"}, **(ABOUT | {"source": os.fsdecode(b"model\xff.pkl")}))
    assert asset.source.encode() == b"model?.pkl"


def test_removing_deletes_the_files(store):
    assert store.remove("flame") is False
    asset = store.add("flame", {"head.npz": b"content"}, **ABOUT)
    assert store.remove("flame") is True
    assert store.find("flame") is None
    assert not asset.folder.exists()


def test_a_changed_or_missing_file_is_not_served(store):
    asset = store.add("flame", {"head.npz": b"content"}, **ABOUT)
    (asset.folder / "head.npz").write_bytes(b"c0ntent")
    with pytest.raises(AssetDamaged, match="has changed since it was installed"):
        asset.path("head.npz")
    (asset.folder / "head.npz").unlink()
    with pytest.raises(AssetDamaged, match=r"holds no other\.npz"):
        asset.path("other.npz")
    with pytest.raises(AssetDamaged, match="visavis assets install flame"):
        asset.path("head.npz")


@pytest.mark.parametrize(
    "change",
    [
        {"folder": "../../etc"},
        {"folder": 3},
        {"kind": "smirk"},
        {"files": {"../head.npz": {"size": 1, "sha256": "ab" * 32}}},
        {"files": {"head.npz": {"size": "1", "sha256": "ab" * 32}}},
        {"files": []},
        {"source": None},
    ],
)
def test_a_manifest_that_was_tampered_with_is_refused(store, change):
    store.add("flame", {"head.npz": b"content"}, **ABOUT)
    manifest = store.root / "flame.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | change))
    with pytest.raises(AssetDamaged, match="visavis assets remove flame"):
        store.find("flame")
    assert store.remove("flame")


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b"{}", b" " * 100_000])
def test_a_manifest_that_is_none_is_refused(store, content):
    store.root.mkdir()
    (store.root / "flame.json").write_bytes(content)
    with pytest.raises(AssetDamaged):
        store.find("flame")


def test_unusable_names_and_kinds_are_refused(store):
    with pytest.raises(AssetError, match="choose flame or smirk"):
        store.find("../flame")
    with pytest.raises(AssetError, match="plain names"):
        store.add("flame", {"../head.npz": b""}, **ABOUT)
    with pytest.raises(AssetError, match="digest"):
        store.add("flame", {"head.npz": b""}, **(ABOUT | {"sha256": "short"}))


def test_the_default_store_is_beside_the_avatars(monkeypatch, tmp_path):
    monkeypatch.setenv("VISAVIS_HOME", str(tmp_path))
    assert default_asset_store().root == tmp_path / "assets"
    monkeypatch.delenv("VISAVIS_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert default_asset_store().root == Path(tmp_path / "data" / "visavis" / "assets")
