"""The derivative of LPIPS-Alex by one of its two pictures: what a trainer needs to make it smaller."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from enrolment.metrics.lpips import LEAST_SIDE, PADDINGS, POOLED_BEFORE, SCALE, SHIFT, STRIDES, Lpips
from enrolment.metrics.lpips_weights import CONVOLUTIONS

Floats = NDArray[np.float32]

_LEAST_LENGTH = np.float32(1e-6)


def lpips_gradient(lpips: Lpips, drawn: Floats, target: Floats) -> tuple[float, Floats]:
    """LPIPS of two pictures, and its derivative by the first one.

    Args:
        lpips: the network.
        drawn, target: [H, W, 3] float32 sRGB 0..1, at least LEAST_SIDE a side.

    Returns:
        The distance and [H, W, 3] float32.

    Raises:
        ValueError: the pictures are too small, or of different sizes.
    """
    if drawn.shape != target.shape or min(drawn.shape[:2]) < LEAST_SIDE:
        raise ValueError(f"pictures of {drawn.shape} and {target.shape}")
    values = ((np.stack([drawn, target]) * np.float32(2) - 1) - SHIFT) / SCALE
    inputs: list[Floats] = []  # of each layer, before pooling
    outputs: list[Floats] = []
    by_outputs: list[Floats] = []
    distance = 0.0
    for layer, importance in enumerate(lpips.importances):
        inputs.append(values[0])
        values = lpips.activations(values, layer)
        outputs.append(values[0])
        share, by_values = _layer_distance(values[0], values[1], importance)
        by_outputs.append(by_values)
        distance += share
    gradient = np.zeros_like(outputs[-1])
    for layer in reversed(range(len(outputs))):
        gradient += by_outputs[layer]
        gradient *= outputs[layer] > 0
        if layer in POOLED_BEFORE:
            gradient = _unpool(inputs[layer], lambda shape, g=gradient, n=layer: _back(lpips, g, shape, n))
        else:
            gradient = _back(lpips, gradient, inputs[layer].shape[:2], layer)
    gradient *= np.float32(2) / SCALE
    return distance, gradient


def _layer_distance(first: Floats, second: Floats, importance: Floats) -> tuple[float, Floats]:
    """Distance of activations [H, W, C], and its derivative by the first."""
    length = np.maximum(np.sqrt(np.einsum("hwc,hwc->hw", first, first))[..., None], _LEAST_LENGTH)
    other = np.maximum(np.sqrt(np.einsum("hwc,hwc->hw", second, second))[..., None], _LEAST_LENGTH)
    unit = first / length
    difference = unit - second / other
    weighted = difference * importance
    distance = float((weighted * difference).sum(dtype=np.float64)) / length.size
    weighted *= np.float32(2 / length.size)
    weighted -= unit * (weighted * unit).sum(axis=2, keepdims=True)
    return distance, weighted / length


def _back(lpips: Lpips, gradient: Floats, shape: tuple[int, ...], layer: int) -> Floats:
    """[H, W, C] derivative by the inputs of a convolution, from that by its products [H', W', C']."""
    side, channels, outputs = CONVOLUTIONS[layer]
    stride, padding = STRIDES[layer], PADDINGS[layer]
    height, width = gradient.shape[:2]
    columns = gradient.reshape(-1, outputs) @ lpips.kernels[layer].T
    columns = columns.reshape(height, width, side, side, channels)
    result = np.zeros((shape[0] + 2 * padding, shape[1] + 2 * padding, channels), np.float32)
    for row in range(side):
        for column in range(side):
            rows = slice(row, row + stride * height, stride)
            result[rows, column : column + stride * width : stride] += columns[:, :, row, column]
    return result[padding : padding + shape[0], padding : padding + shape[1]]


def _unpool(values: Floats, back: Callable[[tuple[int, ...]], Floats]) -> Floats:
    """Derivative by what is pooled, [H, W, C]; `back` gives that by the pooled values, whose [H', W'] it is told."""
    halves, down = _pool_rows(values)
    across = halves.transpose(1, 0, 2)
    pooled, over = _pool_rows(across)
    gradient = back(pooled.shape[1::-1])
    gradient = _spread(gradient.transpose(1, 0, 2), over, across.shape).transpose(1, 0, 2)
    return _spread(gradient, down, values.shape)


def _pool_rows(values: Floats) -> tuple[Floats, NDArray[np.int8]]:
    """Largest of three rows in steps of two, and which of them it is."""
    count = (len(values) - 1) // 2
    rows = np.stack([values[start : start + 2 * count - 1 : 2] for start in range(3)])
    largest = rows.argmax(axis=0).astype(np.int8)
    return rows.max(axis=0), largest


def _spread(gradient: Floats, largest: NDArray[np.int8], shape: tuple[int, ...]) -> Floats:
    result = np.zeros(shape, np.float32)
    count = len(gradient)
    for start in range(3):
        result[start : start + 2 * count - 1 : 2] += gradient * (largest == start)
    return result
