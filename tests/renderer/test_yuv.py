"""I420 planes: conversion against OpenCV, and what is refused."""

import cv2
import numpy as np
import pytest

from renderer.yuv import YuvPlanes


def test_conversion_is_that_of_opencv() -> None:
    blocks = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    image = np.repeat(np.repeat(blocks, 2, 0), 2, 1)  # chroma is the same at all four pixels
    planes = YuvPlanes.allocate(60, 40)
    planes.write_rgb(image / 255)
    expected = cv2.cvtColor(image, cv2.COLOR_RGB2YUV_I420).reshape(-1)
    packed = np.concatenate([planes.y.ravel(), planes.u.ravel(), planes.v.ravel()])
    np.testing.assert_allclose(packed.astype(int), expected.astype(int), atol=1)


def test_limits_of_the_range() -> None:
    planes = YuvPlanes.allocate(3, 1)
    planes.write_rgb(np.array([[[0, 0, 0], [0, 0, 0], [1, 1, 1]]], float))
    assert planes.y.tolist() == [[16, 16, 235]]
    assert planes.u.tolist() == [[128, 128]]
    planes.fill(1, 0, 0)
    assert (planes.y[0, 0], planes.u[0, 0], planes.v[0, 0]) == (81, 90, 240)


def test_round_trip_of_smooth_colors() -> None:
    y, x = np.mgrid[0:31, 0:45] / 45
    image = np.stack([x, y, 1 - x], axis=-1)
    planes = YuvPlanes.allocate(45, 31)
    planes.write_rgb(image)
    np.testing.assert_allclose(planes.to_rgb() / 255, image, atol=0.04)


def test_planes_that_do_not_fit_are_refused() -> None:
    y, half = np.zeros((6, 8), np.uint8), np.zeros((3, 4), np.uint8)
    frozen = half.copy()
    frozen.setflags(write=False)
    for planes, message in (
        ((y, half, half[:, :3]), "v is uint8"),
        ((y.astype(float), half, half), "y is float64"),
        ((y[:, ::2], half[:, ::2], half[:, ::2]), "row of y are not contiguous"),
        ((y, half, frozen), "v cannot be written to"),
        ((y.ravel(), half, half), "y has 1 dimensions"),
    ):
        with pytest.raises(ValueError, match=message):
            YuvPlanes(*planes)
    with pytest.raises(ValueError, match="for planes of 8 x 6"):
        YuvPlanes(y, half, half).write_rgb(np.zeros((5, 8, 3)))
