"""Bases that are drawn as their file will hold them while they are trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codec.avatar_asset import BASIS_CHANNELS, AvatarAsset
from codec.avatar_bases import rounded_grid
from codec.avatar_plan import AvatarPlan
from enrolment.linear.bases import Floats, TrainedBases


class RoundedBases(TrainedBases):
    """What steps change stays finer than what is drawn, or small steps would lead nowhere.

    Gradients are those of what is drawn (the straight-through estimator of Bengio et al. 2013).

    Args:
        asset: where to begin.
        mask: see TrainedBases.
        plan: how the grids will be written.
    """

    def __init__(self, asset: AvatarAsset, mask: NDArray[np.bool_], plan: AvatarPlan) -> None:
        super().__init__(replace(asset, basis_grid=asset.basis_grid.copy()), mask)
        self._plan = replace(plan, used_cells=np.ones_like(plan.used_cells))
        self._fine = self.grids.copy()
        for basis in range(len(self.grids)):
            self._round(basis)

    def step(
        self, coefficients: Floats, by_values: Floats, rate: float, correction: float, bases: Sequence[int]
    ) -> None:
        """See TrainedBases."""
        for basis in bases:
            self.grids[basis] = self._fine[basis]
            super().step(coefficients, by_values, rate, correction, [basis])
            self._fine[basis] = self.grids[basis]
            self._round(basis)

    def state(self) -> dict[str, NDArray[Any]]:
        """See TrainedBases."""
        return super().state() | {"fine_grids": self._fine.copy()}

    def _round(self, basis: int) -> None:
        shape = (1, BASIS_CHANNELS, self.side, self.side)
        self.grids[basis] = rounded_grid(self._fine[basis].reshape(shape), self._plan).reshape(BASIS_CHANNELS, -1)
