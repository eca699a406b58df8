from __future__ import annotations

import os
from pathlib import Path

import pytest

from client import enrolment_upload
from client.enrolment_upload import MAX_CHUNK_BYTES, TakeRefused, TakeStorage

CHUNK = bytes(range(256)) * 64


def is_empty(folder: Path) -> bool:
    return list(folder.iterdir()) == []


async def test_a_take_becomes_a_file_that_only_we_read_and_goes_again(tmp_path: Path) -> None:
    storage = TakeStorage(tmp_path)
    take = await storage.open("video/webm;codecs=vp8")
    for _ in range(100):
        await take.add(CHUNK)
    await take.add(b"end")
    path = await take.finish(100 * len(CHUNK) + 3)
    assert path.read_bytes() == 100 * CHUNK + b"end"
    assert path.suffix == ".webm"
    assert path.parent.stat().st_mode & 0o077 == 0
    await take.discard()
    await take.discard()
    assert is_empty(tmp_path)


@pytest.mark.parametrize("kind", ["video/x-matroska", "", "text/html", "video/webm.exe"])
async def test_other_kinds_are_refused(kind: str, tmp_path: Path) -> None:
    with pytest.raises(TakeRefused, match="form that cannot be used"):
        await TakeStorage(tmp_path).open(kind)
    assert is_empty(tmp_path)


async def test_sizes_are_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enrolment_upload, "MAX_TAKE_BYTES", 3 * MAX_CHUNK_BYTES)
    take = await TakeStorage(tmp_path).open("video/mp4")
    for chunk in (b"", bytes(MAX_CHUNK_BYTES + 1)):
        with pytest.raises(TakeRefused, match="pieces"):
            await take.add(chunk)
    for _ in range(3):
        await take.add(CHUNK)
    with pytest.raises(TakeRefused, match="larger than"):
        await take.add(b"x")
    for total in (0, 3 * len(CHUNK) - 1, 3 * len(CHUNK) + 1):
        with pytest.raises(TakeRefused, match="whole"):
            await take.finish(total)
    await take.discard()
    empty = await TakeStorage(tmp_path).open("video/mp4")
    with pytest.raises(TakeRefused, match="whole"):
        await empty.finish(0)
    await empty.discard()


async def test_there_are_so_many_takes_at_once(tmp_path: Path) -> None:
    storage = TakeStorage(tmp_path)
    takes = [await storage.open("video/webm") for _ in range(enrolment_upload.MAX_TAKES)]
    with pytest.raises(TakeRefused, match="Too many"):
        await storage.open("video/webm")
    await takes[0].discard()
    takes.append(await storage.open("video/webm"))
    for take in takes:
        await take.discard()


async def test_a_full_disk_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(enrolment_upload, "_append", refuse)
    take = await TakeStorage(tmp_path).open("video/webm")
    await take.add(CHUNK)
    with pytest.raises(TakeRefused, match="disk of the renderer is full"):
        await take.finish(len(CHUNK))
    await take.discard()
    with pytest.raises(TakeRefused, match="no place"):
        await TakeStorage(tmp_path / "missing").open("video/webm")


def test_what_killed_processes_left_is_swept_away(tmp_path: Path) -> None:
    left, ours, other = (tmp_path / f"visavis-take-{name}" for name in ("4194304-abc", f"{os.getpid()}-abc", "notes"))
    for folder in (left, ours, other):
        folder.mkdir()
    (left / "take.webm").write_bytes(b"x")
    TakeStorage(tmp_path).sweep()
    assert sorted(tmp_path.iterdir()) == sorted([ours, other])
