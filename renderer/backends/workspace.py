"""Buffers of the SIMD rasterizer: owned here, addressed by the kernels."""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import DTypeLike, NDArray

from renderer.backends import checks
from renderer.backends.kernels import layout
from renderer.backends.kernels.draw import draw
from renderer.backends.reference import FIELD_MARGIN
from renderer.camera import Camera
from renderer.jit import require_processor

Color = tuple[float, float, float]

MAX_SIDE_PX = 8192
FIRST_LIST_CAPACITY = 1040
"""Entries per tile to begin with; lists grow when a frame needs more."""

ALIGNMENT = 64


def aligned(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray:
    """Zeros that start at a cache line, with a guard of bytes before and after (renderer.backends.checks)."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    memory = np.zeros(size + ALIGNMENT + 2 * checks.GUARD_BYTES, np.uint8)
    start = -(memory.ctypes.data + checks.GUARD_BYTES) % ALIGNMENT + checks.GUARD_BYTES
    memory[start - checks.GUARD_BYTES : start] = checks.GUARD_VALUE
    memory[start + size : start + size + checks.GUARD_BYTES] = checks.GUARD_VALUE
    return memory[start : start + size].view(dtype).reshape(shape)


class RasterWorkspace:
    """Everything that drawing up to `count` Gaussians needs; not to be used by two threads at once.

    Args:
        count: number of Gaussians N, at most layout.MAX_CLOUD.

    Raises:
        ValueError: `count` is out of range.
        UnsupportedProcessorError: the kernels cannot run on this processor.
    """

    def __init__(self, count: int) -> None:
        require_processor()
        if not 0 <= count <= layout.MAX_CLOUD:
            raise ValueError(f"{count} Gaussians, the CPU rasterizer draws 0..{layout.MAX_CLOUD}")
        padded = max(16, -(-count // 16) * 16)
        self.padded = padded
        self.buffers: dict[str, NDArray] = {}
        self.states = np.zeros(1, layout.RASTER_STATE)
        self.states["count"], self.states["padded"] = count, padded
        self.means = self.add("means", (3, padded), np.float32)
        self.axes = self.add("axes", (9, padded), np.float32)
        self.log2_opacities = self.add("log2_opacities", (padded,), np.float32)
        self.log2_opacities[:] = -np.inf
        self.colors = self.add("colors", (3, padded), np.float32)
        self._camera = self.add("camera", (layout.CAMERA,), np.float32)
        records = self.add("records", (padded + 1, layout.RECORD), np.float32)
        records[padded, layout.P_0] = layout.NULL_P_0
        self.add("depths", (padded,), np.float32)
        self.add("pairs", (padded,), np.int64)
        self.add("spare_pairs", (padded,), np.int64)
        self.add("histograms", (layout.RADIX_PASSES, 1 << layout.RADIX_BITS), np.int32)
        self.add("order", (padded + 16,), np.int32)
        self.add("column_masks", (3, 16), np.int32)
        self.add("accumulators", (4, layout.ACCUMULATOR), np.float32)
        self.add("block_lists", (16 * layout.BLOCK_LIST_STRIDE + 16,), np.int32)
        self.add("block_ends", (16,), np.int32)
        self.add("alive", (16,), np.int32)
        self._tiles = 0
        self._planes: list[NDArray] = []
        self._checked = os.environ.get(checks.SWITCH) == "1"

    def add(self, name: str, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray:
        """Allocates the buffer behind the state's field `<name>_at`, replacing an earlier one."""
        buffer = aligned(shape, dtype)
        self.buffers[name] = buffer
        self.states[f"{name}_at"] = buffer.ctypes.data
        return buffer

    def set_view(self, camera: Camera, background: Color) -> None:
        """Sets camera, picture size and background of the frames to come.

        Raises:
            ValueError: the picture is empty or larger than MAX_SIDE_PX on a side.
        """
        width, height = camera.width, camera.height
        if not (1 <= width <= MAX_SIDE_PX and 1 <= height <= MAX_SIDE_PX):
            raise ValueError(f"a picture of {width} x {height}, expected 1..{MAX_SIDE_PX} on each side")
        K = camera.K
        self._camera[:12] = camera.camera_from_world[:3].ravel()
        self._camera[12:18] = K[0, 0], K[1, 1], K[0, 2], K[1, 2], width, height
        self._camera[18:] = FIELD_MARGIN * 0.5 * width / abs(K[0, 0]), FIELD_MARGIN * 0.5 * height / abs(K[1, 1])
        states = self.states
        states["red"], states["green"], states["blue"] = background
        if states["width"][0] != width or states["height"][0] != height:
            tiles_x, tiles_y = -(-width // layout.TILE_PX), -(-height // layout.TILE_PX)
            states["width"], states["height"] = width, height
            states["tiles_x"], states["tiles_y"] = tiles_x, tiles_y
            states["grid_x"] = tiles_x + layout.GUARD_TILES
            self._tiles = (tiles_x + layout.GUARD_TILES) * (tiles_y + layout.GUARD_TILES)
            self._make_room(FIRST_LIST_CAPACITY)

    def set_output(self, output: int, planes: list[NDArray]) -> None:
        """Sets where the picture goes; the caller vouches for the planes' size.

        Args:
            output: layout.OUTPUT_*.
            planes: arrays whose rows may be apart but whose pixels are contiguous.
        """
        self.states["output"] = output
        self._planes = planes  # kept alive
        for i, plane in enumerate(planes):
            self.states[f"plane{i}_at"] = plane.ctypes.data
            self.states[f"stride{i}"] = plane.strides[0] // plane.itemsize

    def draw(self) -> None:
        """Draws what the input buffers hold; lists that prove too short are made longer."""
        run = checks.draw if self._checked else _draw
        while not run(self):
            self._make_room(int(self.states["longest"][0]) * 5 // 4)

    def _make_room(self, capacity: int) -> None:
        """At least `capacity` entries for each tile; what larger pictures have left behind is used up first."""
        entries = self.buffers.get("entries", np.zeros(0, np.int32))
        if "counts" not in self.buffers or len(self.buffers["counts"]) < self._tiles:
            self.add("counts", (self._tiles,), np.int32)
        if entries.size // self._tiles < capacity:
            # off the multiples of 4 kB, where the ends of all lists would compete for the same cache lines
            entries = self.add("entries", (self._tiles * (-(-capacity // 1024) * 1024 + 16),), np.int32)
        self.states["capacity"] = entries.size // self._tiles


def _draw(workspace: RasterWorkspace) -> bool:
    return draw(workspace.states)
