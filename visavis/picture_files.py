"""Pictures that a program makes, as a video or a folder: opaque or transparent, complete or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol, cast

import av
import cv2
import numpy as np
from av.error import FFmpegError
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from av.video.stream import VideoStream
from numpy.typing import NDArray

from visavis.errors import CommandError
from visavis.output_files import check_output, completed, writing

I420, RGB, RGBA = "yuv420p", "rgb24", "rgba"
"""How a writer wants pictures: [H * 3 / 2, W] as in renderer.yuv, [H, W, 3], or [H, W, 4] with straight alpha."""

_BLEED_PX = 17


@dataclass(frozen=True)
class _Video:
    """A kind of video file.

    Args:
        container, codec, options: in FFmpeg's words.
        pixels: format of opaque pictures.
        alpha_pixels: format of transparent ones, None if there is none.
    """

    container: str
    codec: str
    options: dict[str, str]
    pixels: str
    alpha_pixels: str | None


_VP9 = {"crf": "22", "b": "0", "deadline": "good", "cpu-used": "4", "row-mt": "1", "auto-alt-ref": "0"}
_VIDEOS = {
    ".mp4": _Video("mp4", "libx264", {"crf": "17", "preset": "veryfast"}, I420, None),
    ".webm": _Video("webm", "libvpx-vp9", _VP9, I420, "yuva420p"),
    ".mov": _Video("mov", "prores_ks", {"profile": "4444"}, "yuv444p10le", "yuva444p10le"),
}


class PictureWriter(Protocol):
    """Takes pictures in order, all in the format that `wanted_format` named."""

    def write(self, picture: NDArray[np.uint8]) -> None:
        """Adds the next picture. Raises CommandError: the disk is full, ..."""
        ...


def wanted_format(path: Path, transparent: bool) -> str:
    """I420, RGB or RGBA: how pictures for this file or folder are to be drawn.

    Raises:
        CommandError: there is no such kind of file, or it cannot be transparent.
    """
    if not path.suffix:
        return RGBA if transparent else RGB
    video = _VIDEOS.get(path.suffix.lower())
    if video is None:
        raise CommandError(
            f"{path.name}: name an .mp4, .webm or .mov file, or without a suffix a folder for PNG files."
        )
    if not transparent:
        return I420 if video.pixels == I420 else RGB
    if video.alpha_pixels is None:
        raise CommandError(f"{path.suffix} files cannot be transparent: name a .webm or .mov file, or a folder.")
    return RGBA


def check_pictures(path: Path, *, reads: Path) -> None:
    """Says early what would go wrong late; arguments and errors as for visavis.output_files.check_output.

    Raises:
        CommandError: also if a folder for pictures is not new or empty.
    """
    if path.suffix or not path.exists():
        check_output(path, reads=reads)
    elif not path.is_dir():
        raise CommandError(f"{path} is a file: name a folder, or an .mp4, .webm or .mov file.")
    elif any(path.iterdir()):
        raise CommandError(f"The folder {path} is not empty: name another one.")


@contextmanager
def open_pictures(path: Path, size: tuple[int, int], rate: Fraction, pixels: str) -> Iterator[PictureWriter]:
    """A video, or a folder of PNG files, that is under its name when the block ends well.

    Args:
        path: what to write; its suffix says what.
        size: (width, height) of the pictures, even numbers.
        rate: pictures a second.
        pixels: what `wanted_format` said.

    Raises:
        CommandError: it cannot be written.
    """
    if not path.suffix:
        with _new_folder(path) as folder:
            yield _Folder(folder, path)
        return
    video = _VIDEOS[path.suffix.lower()]
    with completed(path) as partial:
        with writing(path):
            writer = _VideoFile(video, partial, path, size, rate, pixels)
        try:
            yield writer
            writer.finish()
        finally:
            writer.close()


@contextmanager
def _new_folder(path: Path) -> Iterator[Path]:
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with writing(path):
            partial.mkdir()
        yield partial
        with writing(path):
            partial.replace(path)  # also over an empty folder
    finally:
        shutil.rmtree(partial, ignore_errors=True)


class _Folder:
    def __init__(self, folder: Path, path: Path) -> None:
        self._folder, self._path = folder, path
        self._count = 0

    def write(self, picture: NDArray[np.uint8]) -> None:
        self._count += 1
        order = cv2.COLOR_RGBA2BGRA if picture.shape[2] == 4 else cv2.COLOR_RGB2BGR
        _, data = cv2.imencode(".png", cv2.cvtColor(picture, order))
        with writing(self._path):
            (self._folder / f"{self._count:06}.png").write_bytes(data.tobytes())


class _VideoFile:
    """Colors are BT.601 limited range, as renderer.yuv makes them, and the file says so."""

    def __init__(
        self, video: _Video, partial: Path, path: Path, size: tuple[int, int], rate: Fraction, pixels: str
    ) -> None:
        self._path, self._pixels, self._interval = path, pixels, 1 / rate
        self._container = av.open(str(partial), "w", format=video.container)
        self._stream = cast(VideoStream, self._container.add_stream(video.codec, rate=rate, options=video.options))
        self._stream.width, self._stream.height = size
        self._stream.pix_fmt = (video.alpha_pixels if pixels == RGBA else video.pixels) or I420
        context = self._stream.codec_context
        context.colorspace, context.color_range = Colorspace.SMPTE170M, ColorRange.MPEG
        context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.IEC61966_2_1
        self._count = 0

    def write(self, picture: NDArray[np.uint8]) -> None:
        if self._pixels == RGBA:
            picture = bleed(picture)
        frame = av.VideoFrame.from_ndarray(picture, format=self._pixels)
        if self._pixels != I420:
            frame = frame.reformat(
                format=self._stream.pix_fmt, dst_colorspace=Colorspace.ITU601, dst_color_range=ColorRange.MPEG
            )
        frame.pts, frame.time_base = self._count, self._interval
        self._count += 1
        with writing(self._path):
            self._container.mux(self._stream.encode(frame))

    def finish(self) -> None:
        with writing(self._path):
            self._container.mux(self._stream.encode(None))
            self._container.close()

    def close(self) -> None:
        with suppress(OSError, FFmpegError):
            self._container.close()


def bleed(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture [H, W, 4] whose invisible pixels have the colors of visible ones nearby.

    Video codecs mix neighbors, and would let the black of invisible pixels into the edge of what is visible.
    """
    alpha = picture[..., 3].astype(np.float32)
    size = (_BLEED_PX, _BLEED_PX)
    weight = cv2.blur(alpha, size, borderType=cv2.BORDER_REPLICATE)
    colors = cv2.blur(picture[..., :3] * alpha[..., None], size, borderType=cv2.BORDER_REPLICATE)
    near = (picture[..., 3] == 0) & (weight > 0.01)
    filled = picture.copy()
    filled[near, :3] = np.clip(np.rint(colors[near] / weight[near, None]), 0, 255)
    return filled
