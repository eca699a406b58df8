"""What training changes of each Gaussian: values, their averages in Adam, and the step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codec.avatar_asset import AvatarAsset
from enrolment.linear.kernels import adam
from renderer.avatar.avatar_gradients import AvatarGradients
from renderer.gaussians import SH_C0

Floats = NDArray[np.float32]

RATES = {"local_means": 4e-5, "turns": 4e-3, "log_scales": 6e-3, "logit_opacities": 3e-2, "colors": 3.5e-3}
"""Lengths of a step: metres, radians, e-folds, logits, sRGB values."""

SMALLEST_M, LARGEST_M, LARGEST_FAR_M = 2e-4, 1.2e-2, 4e-2
"""Standard deviations; the last is for shoulders and what is behind them."""
FLATTEST = math.log(12.0)
"""The logarithm of how much thinner than wide a Gaussian may be; needles and sheets glitter when seen from the side."""
SPREADS = {"local_means": 3e-3, "turns": 0.5, "log_scales": 0.5, "logit_opacities": 2.0, "colors": 0.1}
"""How far from where it began a value may usually go; units of RATES."""
STIFFNESS = 0.025
"""What has gone so far is pulled back by this share of the mean gradient. That is no matter for what the pictures show
well; what they hardly show, or only edge-on, stays as it was, and looks sane from the sides."""
LARGEST_LOGIT = 6.0
FAINT = 0.1
"""Gradients below this share of the mean one lead to shorter steps than Adam's."""


class TrainedGaussians:
    """The Gaussians of an avatar in training, as structures of arrays of S columns (padded).

    Args:
        asset: where to begin.
        padded: S.
        pulled: [N] factors on the pull to where it began (enrolment.linear.home).

    Attributes:
        local_means: [3, S], quats: [4, S], log_scales: [3, S], logit_opacities: [1, S], colors: [3, S] 0.5 + C0 sh0.
        local_axes: [9, S] and log2_opacities: [S]: what posers need, derived from the others.
    """

    def __init__(self, asset: AvatarAsset, padded: int, pulled: Floats) -> None:
        self.count, self._asset = asset.count, asset
        self.local_means = _columns(asset.local_means, padded)
        self.quats = _columns(asset.local_quats, padded)
        self.quats[0, self.count :] = 1
        self.log_scales = _columns(asset.log_scales, padded)
        self.logit_opacities = _columns(np.minimum(asset.logit_opacities, LARGEST_LOGIT)[:, None], padded)
        self.colors = _columns(0.5 + SH_C0 * asset.sh0, padded)
        self.local_axes = np.zeros((9, padded), np.float32)
        self.log2_opacities = np.full(padded, -np.inf, np.float32)
        self._home = {name: rows.copy() for name, rows in self._values().items()}
        self._home_quats, self._back = self.quats.copy(), np.zeros((3, padded), np.float32)
        self._largest = np.full(padded, math.log(LARGEST_M), np.float32)
        self._largest[: self.count] = np.maximum(self._largest[: self.count], asset.log_scales.max(axis=1) + 0.5)
        np.minimum(self._largest, math.log(LARGEST_FAR_M), out=self._largest)
        self._pulled = _columns(pulled[:, None], padded)[0]
        self._turns = np.zeros((3, padded), np.float32)
        self._moments = {
            name: np.zeros((2, *rows.shape), np.float32)
            for name, rows in (*self._values().items(), ("turns", self._turns))
        }
        self._least = dict.fromkeys(self._moments, adam.EPSILON)
        self._pull = dict.fromkeys(self._moments, np.float32(0))
        self.derive(0, self.count)

    def _values(self) -> dict[str, Floats]:
        names = ("local_means", "log_scales", "logit_opacities", "colors")
        return {name: getattr(self, name) for name in names}

    def _all(self) -> dict[str, Floats]:
        moments = {f"moments_{name}": rows for name, rows in self._moments.items()}
        return self._values() | {"quats": self.quats} | moments

    def measure(self) -> None:
        """Looks how strong gradients are by now: what is hardly seen shall not wander as far as what is seen well."""
        for name, (_, square) in self._moments.items():
            usual = float(np.sqrt(square[:, : self.count]).mean())
            self._least[name] = np.float32(max(FAINT * usual, float(adam.EPSILON)))
            self._pull[name] = np.float32(STIFFNESS * usual / SPREADS[name])

    def derive(self, start: int, end: int) -> None:
        """Brings what posers need up to date."""
        arrays = (self.quats, self.log_scales, self.logit_opacities[0], self.local_axes, self.log2_opacities)
        adam.derive(*arrays, start, end)

    def step(
        self, gradients: Sequence[tuple[AvatarGradients, Floats]], rate: float, correction: float, start: int, end: int
    ) -> None:
        """One step of Gaussians start .. end - 1.

        Args:
            gradients: of two pictures, each with the colors [3, S] that were drawn.
            rate: factor on RATES.
            correction: see enrolment.linear.kernels.adam.
            start, end: range; different ranges may be stepped at the same time.
        """
        first, second = (gradient for gradient, _ in gradients)
        for gradient, colors in gradients:
            adam.opacity_gradients(gradient.log2_opacities, self.logit_opacities[0], start, end)
            for channel in range(3):
                adam.shown_gradients(gradient.colors[channel], colors[channel], start, end)
        pairs = {
            "local_means": (first.local_means, second.local_means),
            "turns": (first.turns, second.turns),
            "log_scales": (first.log_scales, second.log_scales),
            "logit_opacities": (first.log2_opacities[None], second.log2_opacities[None]),
            "colors": (first.colors, second.colors),
        }
        adam.turned(self.quats, self._home_quats, self._back, start, end)
        values = {**self._values(), "turns": self._turns}
        homes = {**self._home, "turns": self._back}
        for name, (one, other) in pairs.items():
            mean, square = self._moments[name]
            length = np.float32(rate * RATES[name])
            for row in range(len(mean)):
                rows = (values[name][row], (one[row], other[row]), homes[name][row], self._pulled)
                forces = (length, np.float32(correction), self._least[name], self._pull[name])
                adam.adam_row(*rows, mean[row], square[row], *forces, start, end)
        adam.turn(self.quats, self._turns, start, end)
        np.clip(self.logit_opacities[:, start:end], None, LARGEST_LOGIT, out=self.logit_opacities[:, start:end])
        lowest, flattest = np.float32(math.log(SMALLEST_M)), np.float32(FLATTEST)
        adam.bound_scales(self.log_scales, lowest, self._largest, flattest, start, end)
        self.derive(start, end)

    def to_asset(self, asset: AvatarAsset) -> AvatarAsset:
        """`asset` with these Gaussians."""
        rows = {name: values[:, : self.count].T.copy() for name, values in self._values().items()}
        return replace(
            asset,
            local_means=rows["local_means"],
            local_quats=self.quats[:, : self.count].T.copy(),
            log_scales=rows["log_scales"],
            logit_opacities=rows["logit_opacities"][:, 0].copy(),
            sh0=((rows["colors"] - 0.5) / SH_C0).astype(np.float32),
        )

    def state(self) -> dict[str, NDArray[Any]]:
        """Copies of all that a step changes."""
        return {name: rows.copy() for name, rows in self._all().items()}

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Takes back what `state` gave.

        Raises:
            ValueError: it is of other Gaussians.
        """
        for name, rows in self._all().items():
            saved = state.get(name)
            if saved is None or saved.shape != rows.shape:
                raise ValueError(f"the checkpoint does not fit: {name}")
            rows[...] = saved
        self.derive(0, self.count)


def _columns(rows: NDArray, padded: int) -> Floats:
    columns = np.zeros((rows.shape[1], padded), np.float32)
    columns[:, : len(rows)] = rows.T
    return columns
