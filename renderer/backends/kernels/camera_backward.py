"""The camera in the backward kernels: products with rows and columns of its rotations, and sums over Gaussians."""

from __future__ import annotations

from renderer.backends.kernels.layout import CAM_SH
from renderer.jit import inlined
from renderer.simd.memory import vbroadcast, vload, vstore
from renderer.simd.vector3 import dot3


@inlined
def add_to(address, row, value):
    """Adds to vector number `row` from `address`."""
    vstore(address, 16 * row, vload(address, 16 * row) + value)


@inlined
def camera_column(camera, column, x, y, z):
    """Scalar product of a column of camera_from_world with (x, y, z)."""
    return dot3(vbroadcast(camera, column), vbroadcast(camera, 4 + column), vbroadcast(camera, 8 + column), x, y, z)


@inlined
def camera_row(camera, row, x, y, z):
    """Scalar product of a row of the camera's rotation with (x, y, z)."""
    at = 4 * row
    return dot3(vbroadcast(camera, at), vbroadcast(camera, at + 1), vbroadcast(camera, at + 2), x, y, z)


@inlined
def sh_column(camera, column, x, y, z):
    """Scalar product of a column of the rotation to the axes of the harmonics with (x, y, z)."""
    at = CAM_SH + column
    return dot3(vbroadcast(camera, at), vbroadcast(camera, at + 3), vbroadcast(camera, at + 6), x, y, z)


@inlined
def sh_row(camera, row, x, y, z):
    """Scalar product of a row of the same rotation with (x, y, z)."""
    at = CAM_SH + 3 * row
    return dot3(vbroadcast(camera, at), vbroadcast(camera, at + 1), vbroadcast(camera, at + 2), x, y, z)
