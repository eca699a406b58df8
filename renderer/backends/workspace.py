"""Buffers of the SIMD rasterizer: owned here, addressed by the kernels."""

from __future__ import annotations

import os
from functools import partial

import numpy as np
from numpy.typing import NDArray

from renderer.backends import checks
from renderer.backends.buffers import AddressedBuffers, aligned
from renderer.backends.kernels import layout
from renderer.backends.kernels.draw import draw, help_draw
from renderer.backends.kernels.parallel import SYNC_SIZE
from renderer.backends.reference import FIELD_MARGIN, LOW_PASS_PX2
from renderer.background import Background
from renderer.camera import Camera
from renderer.jit import require_processor
from renderer.team import MAX_THREADS, Help, shared_team

MAX_SIDE_PX = 8192
FIRST_LIST_CAPACITY = 1040
"""Entries per tile to begin with, in all segments; lists grow when a frame needs more."""

SH_COUNTS = (0, 3, 8, 15)


def shrunk_low_pass_px2(scale: float) -> float:
    """The low pass, px^2, that shows a scene as its picture of full size would look at `scale` (0..1) of it.

    Each pixel of the small picture is a mean over an area, which widens by 1/12.
    """
    return LOW_PASS_PX2 * scale**2 + (1 - scale**2) / 12


class RasterWorkspace(AddressedBuffers):
    """Everything that drawing up to `count` Gaussians needs; not to be used for two frames at once.

    Args:
        count: number of Gaussians N, at most layout.MAX_CLOUD.
        threads: how many threads may draw a frame together, at most MAX_THREADS; more than the machine has cores bring
            nothing.
        sh_count: K, coefficients of spherical harmonics beyond degree 0: 0, 3, 8 or 15.

    Raises:
        ValueError: `count`, `threads` or `sh_count` is out of range.
        UnsupportedProcessorError: the kernels cannot run on this processor.
    """

    def __init__(self, count: int, threads: int = 1, sh_count: int = 0) -> None:
        require_processor()
        if not 0 <= count <= layout.MAX_CLOUD:
            raise ValueError(f"{count} Gaussians, the CPU rasterizer draws 0..{layout.MAX_CLOUD}")
        if not 1 <= threads <= MAX_THREADS or sh_count not in SH_COUNTS:
            raise ValueError(f"{threads} threads and {sh_count} coefficients of harmonics are not possible")
        padded = max(16, -(-count // 16) * 16)
        chunks = -(-padded // layout.PROJECT_CHUNK)
        self.padded, self.threads = padded, threads
        super().__init__(layout.RASTER_STATE)
        self.states["count"], self.states["padded"], self.states["threads"] = count, padded, threads
        self.means = self.add("means", (3, padded), np.float32)
        self.axes = self.add("axes", (9, padded), np.float32)
        self.log2_opacities = self.add("log2_opacities", (padded,), np.float32)
        self.log2_opacities[:] = -np.inf
        self.colors = self.add("colors", (3, padded), np.float32)
        self.states["sh_count"] = sh_count
        if sh_count:
            self.add("sh", (padded // 16, sh_count, 3, 16), np.float32)
        self._camera = self.add("camera", (layout.CAMERA,), np.float32)
        records = self.add("records", (padded + 1, layout.RECORD), np.float32)
        records[padded, layout.P_0] = layout.NULL_P_0
        self.add("depths", (padded,), np.float32)
        self.add("visible", (chunks,), np.int64)
        self.add("pairs", (padded,), np.int64)
        self.add("spare_pairs", (padded,), np.int64)
        self.add("histograms", (layout.RADIX_PASSES, 1 << layout.RADIX_BITS), np.int32)
        self.add("order", (padded + 16,), np.int32)
        self.segments = max(threads, -(-padded // layout.SMALL_CLOUD))
        self.states["segments"] = self.segments
        self.add("longest", (self.segments,), np.int64)
        self.add("sync", (SYNC_SIZE,), np.int64)
        self.add("scratch", (threads, layout.SCRATCH // 4), np.int32)
        # A helper may come late, into the next frame: there is one way to help for all that these threads draw here.
        self.help: Help = partial(help_draw, self.states)
        self.kept: object = None  # what else `help` looks at, kept alive with the workspace
        self._tiles = 0
        self._planes: list[NDArray] = []
        self._background: NDArray | None = None
        self._checked = os.environ.get(checks.SWITCH) == "1"

    def set_harmonics(self, sh_rest: NDArray[np.float32]) -> None:
        """Sets the coefficients [N, K, 3] of degrees 1 and up."""
        padded = np.zeros((self.padded, *sh_rest.shape[1:]), np.float32)
        padded[: len(sh_rest)] = sh_rest
        self.buffers["sh"][...] = np.moveaxis(padded.reshape(-1, 16, *sh_rest.shape[1:]), 1, -1)

    def set_view(
        self,
        camera: Camera,
        background: Background,
        sh_from_world: NDArray[np.float32] | None = None,
        *,
        low_pass_px2: float = LOW_PASS_PX2,
    ) -> None:
        """Sets camera, picture size and background of the frames to come.

        Args:
            camera: the view.
            background: a color, or a picture of the camera's size; a picture is converted when another array comes, so
                it must not be changed in place.
            sh_from_world: [3, 3] as in GaussianCloud.
            low_pass_px2: variance by which every Gaussian is widened, px^2. Less shows a scene that was made for larger
                pictures as these would be when shrunk.

        Raises:
            ValueError: the picture is empty or larger than MAX_SIDE_PX on a side, or the background has another size.
        """
        width, height = camera.width, camera.height
        if not (1 <= width <= MAX_SIDE_PX and 1 <= height <= MAX_SIDE_PX):
            raise ValueError(f"a picture of {width} x {height}, expected 1..{MAX_SIDE_PX} on each side")
        K, view = camera.K, self._camera
        view[:12] = camera.camera_from_world[:3].ravel()
        view[12:18] = K[0, 0], K[1, 1], K[0, 2], K[1, 2], width, height
        view[18:20] = FIELD_MARGIN * 0.5 * width / abs(K[0, 0]), FIELD_MARGIN * 0.5 * height / abs(K[1, 1])
        view[layout.CAM_LOW_PASS] = low_pass_px2
        world_from_camera = camera.camera_from_world[:3, :3].T
        view[layout.CAM_SH :] = (world_from_camera if sh_from_world is None else sh_from_world @ world_from_camera).flat
        states = self.states
        if states["width"][0] != width or states["height"][0] != height:
            tiles_x, tiles_y = -(-width // layout.TILE_PX), -(-height // layout.TILE_PX)
            states["width"], states["height"] = width, height
            states["tiles_x"], states["tiles_y"] = tiles_x, tiles_y
            states["grid_x"] = tiles_x + layout.GUARD_TILES
            self._tiles = (tiles_x + layout.GUARD_TILES) * (tiles_y + layout.GUARD_TILES)
            states["grid"] = self._tiles
            self._background = None
            self._make_room(FIRST_LIST_CAPACITY // self.segments)
        self._set_background(background)

    def _set_background(self, background: Background) -> None:
        states = self.states
        if isinstance(background, tuple):
            states["red"], states["green"], states["blue"] = background
            states["background_at"] = 0
            return
        if background is not self._background:
            width, height = int(states["width"][0]), int(states["height"][0])
            if background.shape != (height, width, 3) or background.dtype != np.uint8:
                shape = f"{background.dtype} {background.shape}"
                raise ValueError(f"a background of {shape} for a picture of {width} x {height}")
            rows, columns = states["tiles_y"][0] * layout.TILE_PX, states["tiles_x"][0] * layout.TILE_PX
            planes = self.add("background", (3, rows, columns), np.float32)
            planes[:, :height, :width] = background.transpose(2, 0, 1) / np.float32(255)
            self._background = background
        states["background_at"] = self.buffers["background"].ctypes.data

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

    def set_planar_output(self) -> NDArray[np.float32]:
        """The picture goes to float planes [4, tiles_y * 16, tiles_x * 16] of our own (layout.OUTPUT_PLANAR)."""
        rows, columns = (int(self.states[name][0]) * layout.TILE_PX for name in ("tiles_y", "tiles_x"))
        planes = self.buffers.get("planar")
        if planes is None or planes.shape != (4, rows, columns):
            planes = self.buffers["planar"] = aligned((4, rows, columns), np.float32)
        self.set_output(layout.OUTPUT_PLANAR, [planes[0]])
        return planes

    def draw(self) -> None:
        """Draws what the input buffers hold; lists that prove too short are made longer."""
        while not self._attempt():
            self._make_room(int(self.buffers["longest"].max()) * 5 // 4)

    def _attempt(self) -> bool:
        if self._checked:
            return checks.draw(self)
        self.ask_for_help()
        return draw(self.states)

    def ask_for_help(self) -> None:
        """Wakes those that may draw the next frame with the caller."""
        if self.threads > 1:
            shared_team().ask(self.threads, self.help, self)

    def _make_room(self, capacity: int) -> None:
        """At least `capacity` entries for each list; what larger pictures have left behind is used up first."""
        entries = self.buffers.get("entries", np.zeros(0, np.int32))
        lists = self.segments * self._tiles
        if "counts" not in self.buffers or len(self.buffers["counts"]) < lists:
            self.add("counts", (lists,), np.int32)
        if entries.size // lists < capacity:
            # off the multiples of 4 kB, where the ends of all lists would compete for the same cache lines
            entries = self.add("entries", (lists * (-(-capacity // 256) * 256 + 16),), np.int32)
        self.states["capacity"] = entries.size // lists
