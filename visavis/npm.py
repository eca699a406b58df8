"""tracker.npm with the errors of the commands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tracker import npm
from tracker.npm import FetchError, NpmFiles, cache_directory
from visavis.errors import CommandError

__all__ = ["NpmFiles", "cache_directory", "fetch"]


def fetch(files: NpmFiles, folder: Path, say: Callable[[str], None]) -> list[Path]:
    """See tracker.npm.fetch.

    Raises:
        CommandError: npm is missing, the registry cannot be reached, the package is not the pinned one, or the cache
            cannot be written.
    """
    try:
        return npm.fetch(files, folder, say)
    except FetchError as error:
        raise CommandError(str(error)) from error
