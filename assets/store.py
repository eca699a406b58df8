"""Installed assets in a directory, one of each kind, described by a manifest.

    <root>/<kind>.json                  the manifest: where it came from, licence, and the digest of every file
    <root>/<kind>-<random>/<file>       the files of that installation

The manifest names the folder of its files and is replaced atomically, so that an asset is seen whole or not at all.
Files are verified against the manifest when they are read.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from assets.errors import AssetDamaged, AssetError

KINDS = ("flame", "smirk")
MAX_MANIFEST_BYTES = 64 * 1024
ABANDONED_S = 3600.0
"""Age at which a folder that no manifest names is one that a killed process left behind."""
_FILE_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class StoredFile:
    """Size in bytes and hex SHA-256 of one installed file."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Asset:
    """One installed asset.

    Args:
        kind: one of KINDS.
        source: name of the file that the user brought (no folder).
        sha256: hex digest of that file.
        edition: which one it is, e.g. `flame-2023-open`.
        licence: note on what may be done with it.
        installed: date and time, UTC, ISO 8601.
        folder: where its files lie.
        files: name -> size and digest.
    """

    kind: str
    source: str
    sha256: str
    edition: str
    licence: str
    installed: str
    folder: Path
    files: Mapping[str, StoredFile]

    def path(self, name: str) -> Path:
        """Path of one of its files, verified: call it once and keep the result.

        Raises:
            AssetDamaged: the file is missing or has changed since it was installed.
        """
        path = self.folder / name
        expected = self.files.get(name)
        if expected is None:
            raise AssetDamaged(f"The installed {self.kind} holds no {name}: {self._remedy}.")
        try:
            if path.stat().st_size == expected.size and _digest(path) == expected.sha256:
                return path
        except OSError as error:
            raise AssetDamaged(f"{path} cannot be read ({error.strerror}): {self._remedy}.") from error
        raise AssetDamaged(f"{path} has changed since it was installed: {self._remedy}.")

    @property
    def _remedy(self) -> str:
        return f"install it again with `visavis assets install {self.kind}`"


class AssetStore:
    """The assets below one directory. Methods block on disk I/O.

    Args:
        root: directory, made when something is added.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def add(
        self, kind: str, files: Mapping[str, Path | bytes], *, source: str, sha256: str, edition: str, licence: str
    ) -> Asset:
        """Installs an asset in place of one of the same kind; returns it.

        Args:
            kind: one of KINDS.
            files: name -> content, or a file to copy.
            source: name of the user's file; folders are dropped.
            sha256: hex digest of that file.
            edition: which one it is.
            licence: note for the user.

        Raises:
            AssetError: unknown kind, unusable names, or the disk refuses.
        """
        _require_kind(kind)
        if not files or not all(_FILE_NAME.fullmatch(name) for name in files) or not _DIGEST.fullmatch(sha256):
            raise AssetError(f"An asset of kind {kind} needs files with plain names and a SHA-256 digest.")
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            previous = self._current_folder(kind)
            folder = Path(tempfile.mkdtemp(prefix=f"{kind}-", dir=self.root))
            try:
                stored = {name: _store(folder / name, content) for name, content in files.items()}
                now = datetime.now(UTC).isoformat(timespec="seconds")
                name = Path(source).name.encode("utf-8", "replace").decode()  # file names can be any bytes
                asset = Asset(kind, name, sha256, edition, licence, now, folder, stored)
                self._write_manifest(asset)
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
        except OSError as error:
            raise AssetError(f"The asset cannot be stored in {self.root}: {error.strerror}.") from error
        self._sweep(kind, folder, previous)
        return asset

    def find(self, kind: str) -> Asset | None:
        """The installed asset of a kind, or None. Its files are verified by `Asset.path`.

        Raises:
            AssetError: unknown kind.
            AssetDamaged: its manifest cannot be understood.
        """
        _require_kind(kind)
        path = self._manifest(kind)
        try:
            with path.open("rb") as file:
                data = file.read(MAX_MANIFEST_BYTES + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise AssetDamaged(f"{path} cannot be read: {error.strerror}.") from error
        try:
            return _parse(kind, self.root, data)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise AssetDamaged(
                f"{path} is damaged: remove it with `visavis assets remove {kind}` and install again."
            ) from error

    def installed(self) -> list[Asset]:
        """All installed assets, in the order of KINDS.

        Raises:
            AssetDamaged: a manifest cannot be understood.
        """
        return [asset for kind in KINDS if (asset := self.find(kind)) is not None]

    def remove(self, kind: str) -> bool:
        """Deletes an asset for good; says whether it was here.

        Raises:
            AssetError: unknown kind, or the disk refuses.
        """
        _require_kind(kind)
        try:
            self._manifest(kind).unlink()
            found = True
        except FileNotFoundError:
            found = False
        except OSError as error:
            raise AssetError(f"{self._manifest(kind)} cannot be removed: {error.strerror}.") from error
        for folder in self._folders(kind):
            shutil.rmtree(folder, ignore_errors=True)
        return found

    def _manifest(self, kind: str) -> Path:
        return self.root / f"{kind}.json"

    def _folders(self, kind: str) -> list[Path]:
        return [path for path in self.root.glob(f"{kind}-*") if path.is_dir() and not path.is_symlink()]

    def _current_folder(self, kind: str) -> Path | None:
        with contextlib.suppress(AssetDamaged):
            asset = self.find(kind)
            return asset.folder if asset else None
        return None

    def _write_manifest(self, asset: Asset) -> None:
        content = asdict(asset) | {"folder": asset.folder.name}
        partial = asset.folder / "manifest.part"
        partial.write_text(json.dumps(content, indent=2), encoding="utf-8")
        partial.replace(self._manifest(asset.kind))

    def _sweep(self, kind: str, current: Path, previous: Path | None) -> None:
        """Deletes the files of the installation before, and what killed processes left; others may be being filled."""
        for folder in self._folders(kind):
            with contextlib.suppress(OSError):
                abandoned = time.time() - folder.stat().st_mtime > ABANDONED_S
                if folder != current and (abandoned or folder == previous):
                    shutil.rmtree(folder, ignore_errors=True)


def default_asset_store() -> AssetStore:
    """The user's assets: $VISAVIS_HOME/assets, else $XDG_DATA_HOME/visavis/assets, else ~/.local/share/..."""
    home = os.environ.get("VISAVIS_HOME")
    if home:
        return AssetStore(Path(home) / "assets")
    data_home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return AssetStore(Path(data_home) / "visavis" / "assets")


def _require_kind(kind: str) -> None:
    if kind not in KINDS:
        raise AssetError(f"There is no kind of asset {kind[:40]!r}: choose {' or '.join(KINDS)}.")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _store(path: Path, content: Path | bytes) -> StoredFile:
    if isinstance(content, Path):
        shutil.copyfile(content, path)
    else:
        path.write_bytes(content)
    return StoredFile(path.stat().st_size, _digest(path))


def _parse(kind: str, root: Path, data: bytes) -> Asset:
    """The asset that a manifest describes; one of any other form raises what its first wrong value does."""
    if len(data) > MAX_MANIFEST_BYTES:
        raise ValueError("too large")
    content = cast("dict[str, Any]", json.loads(data))
    files: dict[str, StoredFile] = {}
    for name, entry in content["files"].items():
        size, sha256 = entry["size"], entry["sha256"]
        if not _FILE_NAME.fullmatch(name) or not _DIGEST.fullmatch(sha256) or not isinstance(size, int):
            raise ValueError("bad file entry")
        files[name] = StoredFile(size, sha256)
    texts = {key: content[key] for key in ("source", "sha256", "edition", "licence", "installed", "folder")}
    if content["kind"] != kind or not all(isinstance(text, str) for text in texts.values()):
        raise ValueError("bad field")
    folder = texts.pop("folder")
    if not re.fullmatch(rf"{kind}-[A-Za-z0-9_]+", folder):
        raise ValueError("bad folder")
    return Asset(kind=kind, folder=root / folder, files=files, **texts)
