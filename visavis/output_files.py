"""Files that a command writes: seen under their names when they are complete, or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import IO

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from visavis.errors import CommandError

_TICKS = 90_000
"""Per second: the unit of times in the videos."""


def check_output(path: Path, *, reads: Path | None = None) -> None:
    """Says early what would go wrong late.

    Args:
        path: what will be written.
        reads: the command's input, which it must not be.

    Raises:
        CommandError: the path is a directory, has no directory to be in, is the input, may not be written, or is none
            that the system can have.
    """
    try:
        _check_output(path, reads)
    except (OSError, ValueError) as error:  # a name too long, ...
        reason = error.strerror if isinstance(error, OSError) else error
        raise CommandError(f"{path} cannot be written: {reason}.") from error


def _check_output(path: Path, reads: Path | None) -> None:
    if path.is_dir():
        raise CommandError(f"{path} is a directory: name a file.")
    if not path.parent.is_dir():
        raise CommandError(f"There is no directory {path.parent} to write {path.name} into.")
    if reads is not None and path.exists() and reads.exists() and path.samefile(reads):
        raise CommandError(f"{path} is the recording itself, which would be overwritten: name another file.")
    if not os.access(path.parent, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
        raise CommandError(f"{path} may not be written.")


@contextmanager
def completed(path: Path) -> Iterator[Path]:
    """A hidden name beside `path` to write to; it becomes `path` when the block ends well and is removed otherwise.

    Raises:
        CommandError: the file cannot take its name.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield partial
        with writing(path):
            partial.replace(path)
    finally:
        with suppress(OSError):  # a name too long to be written cannot be removed either
            partial.unlink()


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Says in a sentence what goes wrong while `path` is written.

    Raises:
        CommandError: instead of an OSError or FFmpegError of the block.
    """
    try:
        yield
    except (OSError, FFmpegError) as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}.") from error


def write_file(path: Path, write: Callable[[IO[bytes]], None]) -> None:
    """Lets `write` fill the file, completely or not at all.

    Raises:
        CommandError: the file cannot be written.
    """
    with completed(path) as partial, writing(path), partial.open("wb") as file:
        write(file)


@contextmanager
def open_video(path: Path, size: tuple[int, int], rate: float) -> Iterator[VideoWriter]:
    """A video that is under its name when the block ends well.

    Args:
        path: the MP4 to write.
        size: (width, height) of the pictures; an odd last column or row is left out, as 4:2:0 needs.
        rate: nominal pictures a second.

    Raises:
        CommandError: the file cannot be written.
    """
    with completed(path) as partial:
        with writing(path):
            writer = VideoWriter(partial, path, size, rate)
        try:
            yield writer
            writer.finish()
        finally:
            writer.close()


class VideoWriter:
    """Writes pictures as H.264 in MP4, each at its own time; made by `open_video`."""

    def __init__(self, partial: Path, path: Path, size: tuple[int, int], rate: float) -> None:
        self._path = path
        self._width, self._height = (max(2, side - side % 2) for side in size)
        self._container = av.open(str(partial), "w", format="mp4")
        nominal = Fraction(rate).limit_denominator(1001)
        self._stream = self._container.add_stream("libx264", rate=nominal, options={"crf": "18", "preset": "veryfast"})
        self._stream.width, self._stream.height = self._width, self._height
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = Fraction(1, _TICKS)
        self._last_ticks = -1

    def write(self, picture: NDArray[np.uint8], time_s: float) -> None:
        """Adds a picture, [H, W, 3] RGB or [H, W] grey; a time that does not grow is moved behind the previous one.

        Raises:
            CommandError: the disk is full, ...
        """
        picture = np.ascontiguousarray(picture[: self._height, : self._width])
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24" if picture.ndim == 3 else "gray")
        self._last_ticks = max(self._last_ticks + 1, round(time_s * _TICKS))
        frame.pts, frame.time_base = self._last_ticks, Fraction(1, _TICKS)
        with writing(self._path):
            self._container.mux(self._stream.encode(frame))

    def finish(self) -> None:
        """Writes what the encoder still holds, and the index.

        Raises:
            CommandError: the disk is full, ...
        """
        with writing(self._path):
            self._container.mux(self._stream.encode(None))
            self._container.close()

    def close(self) -> None:
        """Lets go of the file; after `finish` there is nothing left to do."""
        with suppress(OSError, FFmpegError):
            self._container.close()
