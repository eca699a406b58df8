"""LPIPS-Alex, version 0.1 (Zhang et al. 2018), in numpy: how different two pictures look, 0 for equal ones."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from enrolment.metrics.errors import MetricsError
from enrolment.metrics.lpips_weights import CONVOLUTIONS, require_weights, shapes
from enrolment.metrics.pixels import Picture, require_pair

Floats = NDArray[np.float32]

LEAST_SIDE = 31
"""Smaller pictures leave nothing of the network's third layer."""
SHIFT = np.array([-0.030, -0.088, -0.188], np.float32)
SCALE = np.array([0.458, 0.448, 0.450], np.float32)
STRIDES, PADDINGS, POOLED_BEFORE = (4, 1, 1, 1, 1), (2, 2, 1, 1, 1), (1, 2)


class Lpips:
    """The distance, about 0.2 s for 512 x 512 pictures on one core.

    Args:
        weights: the .npz of enrolment.metrics.lpips_weights.

    Raises:
        MetricsError: the file is missing or not these weights.
    """

    def __init__(self, weights: Path) -> None:
        try:
            with weights.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in shapes() if name in stored}
        except (OSError, ValueError, EOFError, zipfile.BadZipFile):
            arrays = {}
        try:
            require_weights(arrays)
        except MetricsError:
            remedy = "delete it and run `visavis assets install lpips`"
            raise MetricsError(f"{weights} does not hold the weights of LPIPS-Alex: {remedy}.") from None
        layers = range(len(CONVOLUTIONS))
        self.kernels = [arrays[f"kernel_{layer}"].reshape(-1, CONVOLUTIONS[layer][2]) for layer in layers]
        self._biases = [arrays[f"bias_{layer}"] for layer in layers]
        self.importances = [arrays[f"importance_{layer}"] for layer in layers]

    def __call__(self, a: Picture, b: Picture) -> float:
        """The distance of two [H, W, 3] uint8 sRGB pictures.

        Raises:
            ValueError: they are not of this form and of one size, or smaller than LEAST_SIDE.
        """
        require_pair(a, b, LEAST_SIDE)
        return self.distance(self.features(a), self.features(b))

    def features(self, picture: Picture) -> list[Floats]:
        """What a [H, W, 3] uint8 sRGB picture, at least LEAST_SIDE a side, is compared by.

        Returns:
            [H', W', C] for each layer: activations, of unit length over the channels or zero. 10 MB for 512 x 512.
        """
        values = ((picture[None] * np.float32(2 / 255) - 1) - SHIFT) / SCALE
        found: list[Floats] = []
        for layer in range(len(CONVOLUTIONS)):
            values = self.activations(values, layer)
            length = np.sqrt(np.einsum("nhwc,nhwc->nhw", values, values))[..., None]
            found.append((values / (length + 1e-10))[0])
        return found

    def distance(self, a: list[Floats], b: list[Floats]) -> float:
        """The distance of two pictures of one size, by their features."""
        distance = 0.0
        for first, second, importance in zip(a, b, self.importances, strict=True):
            difference = first - second
            difference *= difference
            distance += float((difference @ importance).mean(dtype=np.float64))
        return distance

    def activations(self, values: Floats, layer: int) -> Floats:
        """[n, H, W, C] -> [n, H', W', C'] one layer: pooling if it has it, convolution, bias and ReLU."""
        return self._convolve(_pool(values) if layer in POOLED_BEFORE else values, layer)

    def _convolve(self, values: Floats, layer: int) -> Floats:
        """[n, H, W, C] -> [n, H', W', C'] convolution, bias and ReLU, as one product of matrices."""
        side, _, outputs = CONVOLUTIONS[layer]
        stride, padding = STRIDES[layer], PADDINGS[layer]
        padded = np.pad(values, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
        windows = sliding_window_view(padded, (side, side), axis=(1, 2))[:, ::stride, ::stride]  # pyright: ignore[reportArgumentType, reportCallIssue]
        count, height, width = windows.shape[:3]
        columns = windows.transpose(0, 1, 2, 4, 5, 3).reshape(count * height * width, -1)
        product = columns @ self.kernels[layer]
        product += self._biases[layer]
        return np.maximum(product, 0, out=product).reshape(count, height, width, outputs)


def _pool(values: Floats) -> Floats:
    """[2, H, W, C] -> [2, (H - 1) // 2, (W - 1) // 2, C] largest of 3 x 3, in steps of 2."""
    for axis in (1, 2):
        values = np.moveaxis(values, axis, 0)
        count = (len(values) - 1) // 2
        first, second, third = (values[start : start + 2 * count - 1 : 2] for start in range(3))
        values = np.moveaxis(np.maximum(np.maximum(first, second), third), 0, axis)
    return values
