"""Pictures as video encoders take them: I420, that is BT.601 limited range with chroma at half resolution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.uint8]

RGB_TO_YUV = np.array(
    [
        [0.299 * 219, 0.587 * 219, 0.114 * 219],
        [-0.299 / 0.886 * 112, -0.587 / 0.886 * 112, 112],
        [112, -0.587 / 0.701 * 112, -0.114 / 0.701 * 112],
    ]
)
"""BT.601: (Y - 16, U - 128, V - 128) from red, green, blue in 0..1."""

_ZERO = np.array([16.0, 128.0, 128.0])


@dataclass(frozen=True, eq=False)
class YuvPlanes:
    """Three planes that a picture is written to, typically views of a video frame's memory.

    Args:
        y: [H, W] uint8; rows may be apart, the pixels of a row are contiguous.
        u: [ceil(H / 2), ceil(W / 2)] uint8.
        v: the same.

    Raises:
        ValueError: a plane has the wrong type, shape or stride, or cannot be written to.
    """

    y: Plane
    u: Plane
    v: Plane

    def __post_init__(self) -> None:
        if self.y.ndim != 2:
            raise ValueError(f"y has {self.y.ndim} dimensions, expected 2")
        half = ((self.y.shape[0] + 1) // 2, (self.y.shape[1] + 1) // 2)
        for name, plane, shape in (("y", self.y, self.y.shape), ("u", self.u, half), ("v", self.v, half)):
            if plane.dtype != np.uint8 or plane.shape != shape:
                raise ValueError(f"{name} is {plane.dtype} {plane.shape}, expected uint8 {shape}")
            if plane.shape[1] > 1 and plane.strides[1] != 1:
                raise ValueError(f"the pixels of a row of {name} are not contiguous")
            if not plane.flags.writeable:
                raise ValueError(f"{name} cannot be written to")

    @property
    def width(self) -> int:
        """Picture width in pixels."""
        return self.y.shape[1]

    @property
    def height(self) -> int:
        """Picture height in pixels."""
        return self.y.shape[0]

    @staticmethod
    def allocate(width: int, height: int) -> YuvPlanes:
        """New planes, packed one after the other as in an I420 buffer."""
        luma, half = width * height, (-(-height // 2), -(-width // 2))
        chroma = half[0] * half[1]
        memory = np.zeros(luma + 2 * chroma, np.uint8)
        u, v = memory[luma : luma + chroma].reshape(half), memory[luma + chroma :].reshape(half)
        return YuvPlanes(memory[:luma].reshape(height, width), u, v)

    def fill(self, red: float, green: float, blue: float) -> None:
        """Paints everything in one sRGB color, 0..1."""
        y, u, v = np.rint(RGB_TO_YUV @ np.clip([red, green, blue], 0, 1) + _ZERO).astype(np.uint8)
        self.y[:], self.u[:], self.v[:] = y, u, v

    def write_rgb(self, image: NDArray[np.floating]) -> None:
        """Converts a picture [H, W, 3] in 0..1; slow, the oracle of the kernel renderer.backends.kernels.resolve.

        Raises:
            ValueError: the picture has another size.
        """
        if image.shape != (self.height, self.width, 3):
            raise ValueError(f"a picture of shape {image.shape} for planes of {self.width} x {self.height}")
        rgb = np.clip(image, 0, 1).astype(np.float64)
        self.y[:] = np.floor(rgb @ RGB_TO_YUV[0] + 16.5)
        even = np.pad(rgb, ((0, self.height % 2), (0, self.width % 2), (0, 0)), mode="edge")
        mean = (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4
        self.u[:] = np.floor(mean @ RGB_TO_YUV[1] + 128.5)
        self.v[:] = np.floor(mean @ RGB_TO_YUV[2] + 128.5)

    def to_rgb(self) -> NDArray[np.uint8]:
        """[H, W, 3] uint8 sRGB, chroma repeated; for looking at, not for measuring."""
        chroma = [np.repeat(np.repeat(plane, 2, 0), 2, 1)[: self.height, : self.width] for plane in (self.u, self.v)]
        yuv = np.stack([self.y, *chroma], axis=-1) - _ZERO
        return np.clip(np.rint(255 * (yuv @ np.linalg.inv(RGB_TO_YUV).T)), 0, 255).astype(np.uint8)
