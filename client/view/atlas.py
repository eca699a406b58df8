"""Where each head is in the one video that the page receives. Sans-IO.

Tiles are equal squares in a grid. A member keeps its tile while it is on screen, the grid grows when it must and
shrinks only when it is empty or half empty, and its pixel size changes only when the grid does: each change costs a
key frame and a re-layout in the page.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

TILE_SIZES = (128, 192, 256, 384, 512)
MAX_TILES = 16


@dataclass(frozen=True)
class Tile:
    """One head's square, pixels."""

    member_id: str
    x: int
    y: int
    size: int


@dataclass(frozen=True)
class AtlasLayout:
    """The grid at one time; `generation` grows with each change."""

    width: int
    height: int
    tiles: tuple[Tile, ...]
    generation: int


def round_up_size(size_px: int) -> int:
    """The tile size for a head that is `size_px` on screen."""
    return next((size for size in TILE_SIZES if size >= size_px), TILE_SIZES[-1])


class Atlas:
    """Assigns tiles.

    Args:
        max_pixels: upper bound of the video's area; many heads get smaller tiles.
    """

    def __init__(self, max_pixels: int = 1536 * 1024) -> None:
        self._max_pixels = max_pixels
        self._slots: list[str | None] = []
        self._columns = 1
        self._wanted_size = TILE_SIZES[0]
        self._layout = AtlasLayout(TILE_SIZES[0], TILE_SIZES[0], (), 0)

    @property
    def layout(self) -> AtlasLayout:
        """The current grid."""
        return self._layout

    def update(self, wanted: Mapping[str, int]) -> AtlasLayout:
        """Heads on screen and their size there in pixels; returns the layout, unchanged (same object) if it still fits.

        Heads beyond MAX_TILES are left out, the last ones first.
        """
        wanted = dict(list(wanted.items())[:MAX_TILES])
        slots = [member if member in wanted else None for member in self._slots]
        for member in wanted:
            if member not in slots:
                if None in slots:
                    slots[slots.index(None)] = member
                else:
                    slots.append(member)
        while slots and slots[-1] is None:
            slots.pop()
        size = wanted_size = self._choose_size(wanted.values())
        columns = self._columns
        capacity = columns * math.ceil(max(len(self._slots), 1) / columns)
        needed = max(len(slots), 1)
        if needed > capacity or needed <= capacity // 2 or size != self._wanted_size:
            columns = math.ceil(math.sqrt(needed))
            rows = math.ceil(needed / columns)
        else:
            rows = capacity // columns
        while size > TILE_SIZES[0] and columns * rows * size * size > self._max_pixels:
            size = TILE_SIZES[TILE_SIZES.index(size) - 1]
        tiles = tuple(
            Tile(member, (slot % columns) * size, (slot // columns) * size, size)
            for slot, member in enumerate(slots)
            if member is not None
        )
        # Trailing free slots keep the grid's size while it does not have to change.
        self._slots = slots + [None] * (columns * rows - len(slots))
        self._columns, self._wanted_size = columns, wanted_size
        if (columns * size, rows * size, tiles) != (self._layout.width, self._layout.height, self._layout.tiles):
            self._layout = AtlasLayout(columns * size, rows * size, tiles, self._layout.generation + 1)
        return self._layout

    def _choose_size(self, sizes_px: Iterable[int]) -> int:
        return max(map(round_up_size, sizes_px), default=self._wanted_size)
