"""Where each head is in the one video that the page receives. Sans-IO.

Heads that are large on screen have the places of a grid; those that are at most half as large (the preview of oneself,
a strip of thumbnails) stand in columns to the right of it. A place is as large as the largest tile in it and its like,
and a tile fills it or a part of it: nobody renders pixels that nobody sees. A member keeps its place while it is on
screen, and the video keeps its size while it fits: each change costs a key frame and a new layout in the page.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

TILE_SIZES = (128, 192, 256, 384, 512, 768, 1024)
"""The page asks for more than 512 only where one head has the whole screen."""

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
    """The tiles at one time; `generation` grows with each change."""

    width: int
    height: int
    tiles: tuple[Tile, ...]
    generation: int


def round_up_size(size_px: int) -> int:
    """The tile size for a head that is `size_px` on screen."""
    return next((size for size in TILE_SIZES if size >= size_px), TILE_SIZES[-1])


class _Slots:
    """Numbered places: whoever has one keeps it, newcomers take the first free one."""

    def __init__(self) -> None:
        self._members: list[str | None] = []

    def update(self, wanted: Collection[str]) -> None:
        """Frees the places of those not wanted and seats newcomers; trailing free places stay."""
        self._members = [member if member in wanted else None for member in self._members]
        for member in wanted:
            if member not in self._members:
                if None in self._members:
                    self._members[self._members.index(None)] = member
                else:
                    self._members.append(member)

    def resize(self, count: int) -> None:
        """Sets the number of places; those beyond `count` must be free."""
        self._members = (self._members + [None] * count)[:count]

    @property
    def needed(self) -> int:
        """Places up to the last taken one."""
        return max((index + 1 for index, member in enumerate(self._members) if member is not None), default=0)

    def taken(self) -> list[tuple[int, str]]:
        """(place, member) of all."""
        return [(index, member) for index, member in enumerate(self._members) if member is not None]


class Atlas:
    """Assigns tiles.

    Args:
        max_pixels: upper bound of the video's area; where heads do not fit, they get smaller.
    """

    def __init__(self, max_pixels: int = 1536 * 1024) -> None:
        self._max_pixels = max_pixels
        self._large, self._small = _Slots(), _Slots()
        self._columns, self._rows = 1, 1
        self._layout = AtlasLayout(TILE_SIZES[0], TILE_SIZES[0], (), 0)

    @property
    def layout(self) -> AtlasLayout:
        """The current layout."""
        return self._layout

    def update(self, sizes_px: Mapping[str, int]) -> AtlasLayout:
        """`seat`, then `place` with everything that is allowed."""
        return self.place(self.seat(sizes_px))

    def seat(self, sizes_px: Mapping[str, int]) -> dict[str, int]:
        """Gives places to the heads on screen.

        Args:
            sizes_px: member ids and sizes on screen, pixels. Heads beyond MAX_TILES are left out, the last ones first.

        Returns:
            The size of tile that each may have in `place`.
        """
        sizes = {member: round_up_size(size) for member, size in list(sizes_px.items())[:MAX_TILES]}
        size = max(sizes.values(), default=TILE_SIZES[0])
        small = [member for member, wanted in sizes.items() if 2 * wanted <= size]
        small_size = max((sizes[member] for member in small), default=0)
        self._large.update([member for member in sizes if member not in small])
        self._small.update(small)
        self._small.resize(self._small.needed)
        self._fit_grid()
        while size > TILE_SIZES[0] and self._area(size, min(small_size, size)) > self._max_pixels:
            size = TILE_SIZES[TILE_SIZES.index(size) - 1]
        return {member: min(wanted, size) for member, wanted in sizes.items()}

    def place(self, sizes: Mapping[str, int]) -> AtlasLayout:
        """Lays out tiles; returns the same object as before where nothing has changed.

        Args:
            sizes: of the tiles of those who were seated, at most what `seat` returned.
        """
        large, small = self._large.taken(), self._small.taken()
        size = max((sizes[member] for _, member in large), default=TILE_SIZES[0])
        small_size = min(max((sizes[member] for _, member in small), default=0), size)
        grid_width, height = self._columns * size, self._rows * size
        tiles = [
            Tile(member, (place % self._columns) * size, (place // self._columns) * size, sizes[member])
            for place, member in large
        ]
        for place, member in small:
            column, row = divmod(place, height // small_size)
            x, y = grid_width + column * small_size, row * small_size
            tiles.append(Tile(member, x, y, min(sizes[member], small_size)))
        width = grid_width + self._small_columns(size, small_size) * small_size
        old = self._layout
        if (width, height, tuple(tiles)) != (old.width, old.height, old.tiles):
            self._layout = AtlasLayout(width, height, tuple(tiles), old.generation + 1)
        return self._layout

    def _fit_grid(self) -> None:
        """Grows the grid when it must, and shrinks it when half of it would do."""
        needed = max(self._large.needed, 1)
        capacity = self._columns * self._rows
        if needed > capacity or needed <= capacity // 2:
            self._columns = math.ceil(math.sqrt(needed))
            self._rows = math.ceil(needed / self._columns)
        self._large.resize(self._columns * self._rows)

    def _small_columns(self, size: int, small_size: int) -> int:
        if not self._small.needed:
            return 0
        return math.ceil(self._small.needed / (self._rows * size // small_size))

    def _area(self, size: int, small_size: int) -> int:
        width = self._columns * size + self._small_columns(size, small_size) * small_size
        return width * self._rows * size
