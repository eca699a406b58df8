"""A take on its way from the page into a file: within limits, in a folder that nobody else reads, and gone afterwards.

The page is not trusted: order, lengths and kind are checked, and what the file holds is for the enrolment to judge.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import tempfile
from pathlib import Path

from client.errors import ClientError
from client.tasks import complete

MAX_TAKE_BYTES = 80_000_000
MAX_CHUNK_BYTES = 16_384
MAX_TAKES = 8
"""Takes that one process holds at once, being sent, waiting or in work."""

FLUSH_BYTES = 1 << 20
MAX_UNWRITTEN_BYTES = 16 << 20
"""A disk that falls behind this far does not keep up."""

SUFFIXES = {"video/webm": ".webm", "video/mp4": ".mp4"}
FULL = "The disk of the renderer is full, so the take could not be stored."


class TakeRefused(ClientError):
    """The take cannot be accepted; the message is one sentence for the person."""


class TakeStorage:
    """The takes of this process, each in a folder of its own.

    Args:
        root: parent folder; None: the system's folder for temporary files.
    """

    def __init__(self, root: Path | None = None) -> None:
        self._root = root or Path(tempfile.gettempdir())
        self._open = 0

    def sweep(self) -> None:
        """Removes what processes that were killed have left behind; blocks on the disk."""
        with contextlib.suppress(OSError):
            for folder in self._root.glob("visavis-take-*"):
                owner = re.match(r"visavis-take-(\d+)-", folder.name)
                if owner and not _is_alive(int(owner[1])):
                    shutil.rmtree(folder, ignore_errors=True)

    async def open(self, kind: str) -> TakeUpload:
        """A place for a take of this MIME type (parameters such as codecs are ignored).

        Raises:
            TakeRefused: another type than video/webm and video/mp4, too many takes, or the disk refuses.
        """
        suffix = SUFFIXES.get(kind.split(";")[0].strip().lower())
        if suffix is None:
            raise TakeRefused("This browser records in a form that cannot be used; WebM and MP4 can.")
        if self._open >= MAX_TAKES:
            raise TakeRefused("Too many people are making a head here just now. Please try again in some minutes.")
        self._open += 1
        try:
            name = await asyncio.to_thread(tempfile.mkdtemp, "", f"visavis-take-{os.getpid()}-", self._root)
        except OSError as error:
            self._open -= 1
            raise TakeRefused("The renderer has no place to store the take.") from error
        return TakeUpload(self, Path(name), suffix)

    def _close(self, folder: Path) -> None:
        self._open -= 1
        shutil.rmtree(folder, ignore_errors=True)


class TakeUpload:
    """One take. `discard` is to be awaited in the end, whatever happened.

    Args:
        storage: where it belongs.
        folder: its own.
        suffix: of the file.
    """

    def __init__(self, storage: TakeStorage, folder: Path, suffix: str) -> None:
        self._storage = storage
        self._folder = folder
        self._unwritten = bytearray()
        self._writing = asyncio.Lock()
        self._open = True
        self.path = folder / f"take{suffix}"
        self.received = 0

    async def add(self, chunk: bytes) -> None:
        """The next piece.

        Raises:
            TakeRefused: it is too long, the take becomes too large, or the disk is full.
        """
        if not 0 < len(chunk) <= MAX_CHUNK_BYTES:
            raise TakeRefused("The page sent the take in pieces of a wrong size.")
        if self.received + len(chunk) > MAX_TAKE_BYTES:
            raise TakeRefused(f"The take is larger than {MAX_TAKE_BYTES // 1_000_000} MB. A shorter one will do.")
        self._unwritten += chunk
        self.received += len(chunk)
        if len(self._unwritten) >= FLUSH_BYTES:
            await self._write()

    async def finish(self, total: int) -> Path:
        """The file, complete.

        Raises:
            TakeRefused: another number of bytes has come than the page sent, or the disk is full.
        """
        await self._write()
        if total != self.received or total == 0:
            raise TakeRefused("The take did not arrive whole. Please send it again.")
        return self.path

    async def discard(self) -> None:
        """Removes everything; calling it twice is fine."""
        async with self._writing:
            if self._open:
                self._open = False
                await complete(asyncio.to_thread(self._storage._close, self._folder))

    async def _write(self) -> None:
        async with self._writing:
            data, self._unwritten = self._unwritten, bytearray()
            if self._open and data:
                try:
                    await asyncio.to_thread(_append, self.path, data)
                except OSError as error:
                    raise TakeRefused(FULL) from error


def _append(path: Path, data: bytearray) -> None:
    with path.open("ab") as file:
        file.write(data)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
