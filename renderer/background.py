"""What a view shows behind the head: one color, or a picture of the view's size."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

Color = tuple[float, float, float]
"""(red, green, blue), sRGB, 0..1."""

Background = Color | NDArray[np.uint8]
"""A color, or an image [H, W, 3] uint8 sRGB of the camera's size."""

MAX_PICTURE_BYTES = 32 * 1024 * 1024
MAX_PICTURE_PIXELS = 64_000_000
"""What decoding may cost is known before it begins; photographs of today's cameras fit."""

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers SOF0..SOF15: the others of this range are tables (ITU T.81, table B.1)."""


def load_background(
    source: Path | bytes, size: int, *, max_bytes: int = MAX_PICTURE_BYTES, max_pixels: int = MAX_PICTURE_PIXELS
) -> NDArray[np.uint8]:
    """[size, size, 3] uint8 sRGB: the middle of a JPEG or PNG picture, turned as its Exif orientation says.

    Args:
        source: a file or its bytes.
        size: width and height wanted, pixels.
        max_bytes: of the file.
        max_pixels: of the picture as it is in the file.

    Raises:
        ValueError: it is no such picture, it is damaged, or larger than allowed.
        OSError: the file cannot be read.
    """
    return cover(read_picture(source, max_bytes=max_bytes, max_pixels=max_pixels), size, size)


def read_picture(
    source: Path | bytes, *, max_bytes: int = MAX_PICTURE_BYTES, max_pixels: int = MAX_PICTURE_PIXELS
) -> NDArray[np.uint8]:
    """[H, W, 3] uint8 sRGB of a JPEG or PNG picture; arguments and errors as in `load_background`."""
    if isinstance(source, Path):
        with source.open("rb") as file:
            data = file.read(max_bytes + 1)
    else:
        data = source
    if len(data) > max_bytes:
        raise ValueError(f"the picture is larger than {max_bytes:,} bytes")
    width, height = _picture_size(data)
    if width * height > max_pixels:
        raise ValueError(f"the picture has {width} x {height} pixels, more than {max_pixels:,} are refused")
    try:
        decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    except cv2.error as error:
        raise ValueError("the picture is damaged") from error
    if decoded is None:
        raise ValueError("the picture is damaged")
    return np.ascontiguousarray(decoded, np.uint8)


def cover(picture: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """[height, width, 3] uint8: the largest part of the picture's middle that has this shape, resized.

    Args:
        picture: [H, W, 3] uint8.
        width: pixels.
        height: pixels.
    """
    rows, columns = picture.shape[:2]
    scale = min(columns / width, rows / height)  # picture pixels per pixel wanted
    part_width, part_height = max(round(scale * width), 1), max(round(scale * height), 1)
    x, y = (columns - part_width) // 2, (rows - part_height) // 2
    part = picture[y : y + part_height, x : x + part_width]
    method = cv2.INTER_AREA if scale > 1 else cv2.INTER_LINEAR
    return np.ascontiguousarray(cv2.resize(part, (width, height), interpolation=method), np.uint8)


def _picture_size(data: bytes) -> tuple[int, int]:
    """(width, height) from the header, before anything is decoded."""
    if data.startswith(_PNG) and data[12:16] == b"IHDR" and len(data) >= 24:
        width, height = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    elif data.startswith(_JPEG):
        width, height = _jpeg_size(data)
    else:
        raise ValueError("the picture is neither JPEG nor PNG")
    if width == 0 or height == 0:
        raise ValueError("the picture is damaged")
    return width, height


def _jpeg_size(data: bytes) -> tuple[int, int]:
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker in _JPEG_FRAMES:
            return int.from_bytes(data[at + 7 : at + 9], "big"), int.from_bytes(data[at + 5 : at + 7], "big")
        at += 1 if marker == 0xFF else 2 + int.from_bytes(data[at + 2 : at + 4], "big")  # fill byte, or segment
    raise ValueError("the picture is damaged")
