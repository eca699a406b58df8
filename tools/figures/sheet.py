"""Pictures beside and above each other with captions, as PNG files that depend on nothing but the pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]

GAP_PX = 10
FONT_PX = 14
LINE_PX = 18
MARGIN_PX = 6
"""Between a picture and its caption."""
WHITE = (1.0, 1.0, 1.0)


@dataclass(frozen=True, eq=False)
class Tile:
    """A picture [H, W, 3] and what stands under it, lines separated by newlines."""

    picture: Picture
    caption: str = ""


def layout(rows: Sequence[Sequence[Tile]]) -> tuple[int, int, list[tuple[int, int, Tile]]]:
    """Width and height of a sheet, and (left, top) of each of its pictures. Rows are centered.

    Raises:
        ValueError: there is nothing to show.
    """
    if not rows or not all(rows):
        raise ValueError("a sheet needs pictures in each of its rows")
    widths = [sum(tile.picture.shape[1] for tile in row) + GAP_PX * (len(row) - 1) for row in rows]
    width, top = max(widths) + 2 * GAP_PX, GAP_PX
    places: list[tuple[int, int, Tile]] = []
    for row, row_width in zip(rows, widths, strict=True):
        left = (width - row_width) // 2
        for tile in row:
            places.append((left, top, tile))
            left += tile.picture.shape[1] + GAP_PX
        lines = max(tile.caption.count("\n") + 1 if tile.caption else 0 for tile in row)
        top += max(tile.picture.shape[0] for tile in row) + (MARGIN_PX + LINE_PX * lines if lines else 0) + GAP_PX
    return width, top, places


def sheet(rows: Sequence[Sequence[Tile]]) -> Picture:
    """The pictures, pixel by pixel as they are, and their captions, on white."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    width, height, places = layout(rows)
    figure = Figure(figsize=(width / 72, height / 72), dpi=72, facecolor="white")  # a point is a pixel
    canvas = FigureCanvasAgg(figure)
    for left, top, tile in places:
        middle = (left + tile.picture.shape[1] / 2) / width
        for number, line in enumerate(tile.caption.split("\n")):
            below = top + tile.picture.shape[0] + MARGIN_PX + LINE_PX * number
            figure.text(middle, 1 - below / height, line, ha="center", va="top", size=FONT_PX, color="black")
    canvas.draw()
    page = np.ascontiguousarray(np.asarray(canvas.buffer_rgba())[..., :3])
    for left, top, tile in places:
        rows_px, columns_px = tile.picture.shape[:2]
        page[top : top + rows_px, left : left + columns_px] = tile.picture
    return page


def write_png(path: Path, page: Picture) -> None:
    """Writes [H, W, 3] sRGB.

    Raises:
        OSError: it cannot be written.
    """
    done, data = cv2.imencode(".png", cv2.cvtColor(page, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_PNG_COMPRESSION, 9])
    if not done:
        raise OSError(f"{path} cannot be encoded")
    path.write_bytes(data.tobytes())
    print(f"{path}: {len(data) / 1000:.0f} kB")


def heat(values: NDArray[np.floating], most: float) -> NDArray[np.float32]:
    """[..., 3] sRGB 0..1 of values 0 (dark) .. `most` (light), which rise in brightness, so that they print in grey."""
    from matplotlib import colormaps

    return np.asarray(colormaps["inferno"](np.clip(values / most, 0, 1)), np.float32)[..., :3]


def heat_scale(most: float, unit: str, side: int) -> Tile:
    """A bar of the colors of `heat`, as wide as a picture."""
    bar = np.full((14, side, 3), 255, np.uint8)
    bar[:, 8:-8] = np.round(255 * heat(np.linspace(0, 1, side - 16), 1.0))
    return Tile(bar, f"0 to {most:g} {unit}")
