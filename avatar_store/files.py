"""Files that appear at once."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from pathlib import Path


def write_whole(path: Path, data: bytes) -> None:
    """Writes a file that others see either whole or not at all."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def write_first(path: Path, data: bytes) -> None:
    """Writes a file that only its owner may read, unless it is there: of processes that begin at once, one wins.

    Args:
        path: of the file; its folder is made.
        data: what is written. Read the file to learn what is in it.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Written aside and linked: nobody reads half a file.
    aside = path.with_suffix(f".{secrets.token_hex(8)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        with contextlib.suppress(FileExistsError):
            os.link(aside, path)
    finally:
        os.unlink(aside)
