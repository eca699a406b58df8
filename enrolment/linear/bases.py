"""The bases in training: grids, and the linear map that weighs them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codec.avatar_asset import BASIS_CHANNELS, AvatarAsset
from enrolment.linear.kernels import adam

Floats = NDArray[np.float32]

RATES = np.array([3e-5] * 3 + [2e-3] * 3 + [4e-3] * 3, np.float32)
"""Lengths of a step: metres, radians, units of sh0."""
WEIGHT_RATE = 2e-3
"""Length of a step of a basis' weights, over their root mean square."""
SMOOTHNESS = 2e-3
SHRINKAGE = 2e-3


class TrainedBases:
    """K bases on grids of P = G * G points. An asset without bases counts as one that stays 0.

    Args:
        asset: where to begin.
        mask: [K, 9, G, G] bool: which values may differ from 0.

    Attributes:
        grids: [K, 9, P] float32.
        weights: [K, 65] float32.
    """

    def __init__(self, asset: AvatarAsset, mask: NDArray[np.bool_]) -> None:
        bases, size = len(asset.basis_grid), asset.basis_grid.shape[-1]
        self.side, self.frozen = size, bases == 0
        self.grids = np.ascontiguousarray(asset.basis_grid.reshape(bases, BASIS_CHANNELS, -1), np.float32)
        self.weights = asset.basis_weights.astype(np.float32)
        self._mask = np.ascontiguousarray(mask.reshape(self.grids.shape), np.uint8)
        self._used = self.weights != 0
        self._moments = np.zeros((2, *self.grids.shape), np.float32)
        self._weight_moments = np.zeros((2, *self.weights.shape))
        self._row = np.zeros((bases, self.grids.shape[-1]), np.float32)

    def coefficients(self, vector: Floats) -> Floats:
        """[K] for a parameter vector [65]."""
        return np.einsum("kp,p->k", self.weights, vector)

    def step(
        self, coefficients: Floats, by_values: Floats, rate: float, correction: float, bases: Sequence[int]
    ) -> None:
        """One step of the grids of some of the bases; different ones may be stepped at the same time.

        Args:
            coefficients: [M, K] that were drawn with.
            by_values: [M, 9, P] dL/d(mixed grid).
            rate: factor on RATES.
            correction: see enrolment.linear.kernels.adam.
            bases: which.
        """
        rates, factor = np.float32(rate) * RATES, np.float32(correction)
        smoothness, shrinkage = np.float32(rate * SMOOTHNESS), np.float32(SHRINKAGE)
        for k in bases:
            weights = np.ascontiguousarray(coefficients[:, k])
            arrays = (weights, by_values, self._moments[0, k], self._moments[1, k])
            settings = (rates, factor, smoothness, shrinkage, self._row[k])
            adam.grid_step(self.grids[k], self._mask[k], *arrays, *settings)

    def step_weights(self, gradient: NDArray[np.floating], rate: float, steps: int) -> None:
        """One step of the linear map, down its gradient [K, 65]; entries that began as 0 stay 0."""
        mean, square = self._weight_moments
        gradient = np.where(self._used, gradient, 0)
        mean += 0.1 * (gradient - mean)
        square += 0.01 * (gradient**2 - square)
        correction = np.sqrt(1 - 0.99**steps) / (1 - 0.9**steps)
        size = np.sqrt((self.weights**2).sum(axis=1, keepdims=True) / np.maximum(self._used.sum(axis=1), 1)[:, None])
        self.weights -= (rate * WEIGHT_RATE * correction * size * mean / (np.sqrt(square) + 1e-12)).astype(np.float32)

    def to_asset(self, asset: AvatarAsset) -> AvatarAsset:
        """`asset` with these bases."""
        grid = self.grids.reshape(len(self.grids), BASIS_CHANNELS, self.side, self.side).astype(np.float16)
        return replace(asset, basis_grid=grid, basis_weights=self.weights.copy())

    def state(self) -> dict[str, NDArray[Any]]:
        """Copies of all that steps change."""
        arrays = {"grids": self.grids, "weights": self.weights}
        arrays |= {"grid_moments": self._moments, "weight_moments": self._weight_moments}
        return {name: array.copy() for name, array in arrays.items()}

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Takes back what `state` gave.

        Raises:
            ValueError: it is of other bases.
        """
        arrays = {"grids": self.grids, "weights": self.weights}
        arrays |= {"grid_moments": self._moments, "weight_moments": self._weight_moments}
        for name, array in arrays.items():
            saved = state.get(name)
            if saved is None or saved.shape != array.shape:
                raise ValueError(f"the checkpoint does not fit: {name}")
            array[...] = saved
