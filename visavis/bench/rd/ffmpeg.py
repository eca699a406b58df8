"""The ffmpeg that PyPI's imageio-ffmpeg brings, with all the encoders that are compared and VMAF."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from visavis.errors import CommandError

Pictures = NDArray[np.uint8]
"""[T, H, W, 3] uint8 sRGB, T pictures that follow each other."""

SWS_FLAGS = "lanczos+accurate_rnd+full_chroma_int"
"""How pictures are scaled and turned into YUV and back: as well as ffmpeg can."""


@lru_cache(maxsize=1)
def ffmpeg() -> str:
    """Path of the program.

    Raises:
        CommandError: it is not installed.
    """
    try:
        import imageio_ffmpeg
    except ImportError as error:
        raise CommandError("Video codecs come with imageio-ffmpeg: pip install 'visavis[bench]'.") from error
    return imageio_ffmpeg.get_ffmpeg_exe()


def run(arguments: Sequence[str], pictures: Pictures | None = None, output: IO[bytes] | None = None) -> None:
    """Runs the program.

    Args:
        arguments: behind its name.
        pictures: for its standard input, as raw RGB.
        output: what takes its standard output.

    Raises:
        CommandError: it fails; with the last thing it says.
    """
    command = [ffmpeg(), "-hide_banner", "-loglevel", "error", "-nostdin", "-y", *arguments]
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=output or subprocess.DEVNULL, stderr=complaints
        )
        assert process.stdin is not None
        try:
            if pictures is not None:
                process.stdin.write(np.ascontiguousarray(pictures).data)
            process.stdin.close()
        except BrokenPipeError:
            pass  # it says why by itself
        if process.wait() != 0:
            complaints.seek(0)
            said = complaints.read().decode(errors="replace").strip().splitlines()
            raise CommandError(f"ffmpeg failed: {said[-1] if said else 'it does not say why'}.")


def raw_input(pictures: Pictures, rate: int) -> list[str]:
    """Arguments that announce raw pictures on the standard input."""
    _, height, width, _ = pictures.shape
    return ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(rate), "-i", "pipe:0"]


def decode(video: Path, side: int) -> Pictures:
    """All pictures of a video, scaled to `side` pixels a side.

    Raises:
        CommandError: it cannot be decoded.
    """
    with tempfile.TemporaryFile() as raw:
        scale = f"scale={side}:{side}:flags={SWS_FLAGS},format=rgb24"
        arguments = ["-threads", "1", "-i", str(video), "-vf", scale, "-fps_mode", "passthrough", "-f", "rawvideo"]
        run([*arguments, "pipe:1"], output=raw)
        raw.seek(0)
        data = np.frombuffer(raw.read(), np.uint8)
    return data.reshape(-1, side, side, 3)
