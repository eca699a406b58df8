from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Protocol

import pytest
from moto.moto_server.threaded_moto_server import ThreadedMotoServer
from moto.s3.models import s3_backends

from avatar_store.backends.base import Backend
from avatar_store.backends.directory import DirectoryBackend
from avatar_store.backends.s3 import S3Backend
from codec.avatar_file import avatar_id
from tests.support.stored_avatars import avatar_bytes

ACCOUNT, PREFIX = "123456789012", "team/avatars"
NUMBERS = count()


class Place(Protocol):
    """Where a back-end has its objects, seen from the other side."""

    def backend(self) -> Backend: ...

    def names(self) -> set[str]: ...

    def write(self, name: str, data: bytes) -> None: ...

    def age(self, name: str, seconds: int) -> None: ...

    def refuse(self) -> None: ...


class DirectoryPlace:
    def __init__(self, root: Path) -> None:
        self._root = root

    def backend(self) -> Backend:
        return DirectoryBackend(self._root)

    def names(self) -> set[str]:
        paths = (path for folder in ("own", "foreign") for path in (self._root / folder).rglob("*"))
        return {path.relative_to(self._root).as_posix() for path in paths if path.is_file()}

    def write(self, name: str, data: bytes) -> None:
        (self._root / name).parent.mkdir(parents=True, exist_ok=True)
        (self._root / name).write_bytes(data)

    def age(self, name: str, seconds: int) -> None:
        time_s = datetime.now(UTC).timestamp() - seconds
        os.utime(self._root / name, (time_s, time_s))

    def refuse(self) -> None:
        self._root.write_text("a file where the directory should be")


class BucketPlace:
    def __init__(self, endpoint: str) -> None:
        self.bucket = f"heads-{next(NUMBERS)}"
        self.endpoint = endpoint
        self._server = s3_backends[ACCOUNT]["aws"]
        self._server.create_bucket(self.bucket, "us-east-1")

    def backend(self) -> Backend:
        return S3Backend(self.bucket, PREFIX, self.endpoint)

    def names(self) -> set[str]:
        found = self._server.buckets[self.bucket].keys
        return {key.removeprefix(PREFIX + "/") for key in found if not key.endswith(".used")}

    def write(self, name: str, data: bytes) -> None:
        self._server.put_object(self.bucket, f"{PREFIX}/{name}", data)

    def age(self, name: str, seconds: int) -> None:
        keys = self._server.buckets[self.bucket].keys
        for key in (f"{PREFIX}/{name}", f"{PREFIX}/{name}.used"):
            if key in keys:
                keys[key].last_modified = datetime.now(UTC).replace(tzinfo=None) - timedelta(seconds=seconds)

    def refuse(self) -> None:
        self._server.delete_bucket(self.bucket)


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """An S3 server on the loopback."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> BucketPlace:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    return BucketPlace(s3_endpoint)


@pytest.fixture(params=["directory", "bucket"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Each place in turn where avatars can be."""
    if request.param == "directory":
        return DirectoryPlace(tmp_path / "objects")
    return request.getfixturevalue("bucket")


@pytest.fixture
def guests(tmp_path: Path) -> Path:
    """A folder with one guest, Ada."""
    directory = tmp_path / "guests"
    directory.mkdir()
    data = avatar_bytes(99)
    (directory / "ada.vav").write_bytes(data)
    entry = {"avatar_id": avatar_id(data), "name": "Ada", "file": "ada.vav", "thumbnail": "ada.png", "license": "CC0"}
    (directory / "guests.json").write_text(json.dumps([entry]))
    return directory
