"""Fewer layers for the network of a `paper` avatar: some are dropped, and the rest learns what the whole network says.

It learns from the outputs of the whole network at random points, under conditions of the recording and mixes of these.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from numpy.typing import NDArray
from torch import Tensor  # pyright: ignore[reportMissingImports]

from codec.paper_avatar import DenseLayer, PaperAvatar
from enrolment.torch_training.paper_splats import OffsetNetwork

KEPT_LAYERS = 4
"""Hidden layers of the paper's pruned network: 243,978 numbers at a width of 256."""
SAMPLES = 4096
"""Pairs of a point and a condition that a step looks at, or a trial."""
RATE, LAST_RATE = 3e-4, 1e-5
HALF_PRECISION_UNTIL = 0.8
WARM_UP = 0.05
RIDGE = 1e-4
DISPLACEMENT_M = 0.002
"""About the size of a Gaussian: so much displacement is as bad as a scale that is off by a factor e."""
MIXED = 0.5
FARTHEST = 1.2
"""Share of the conditions that are mixes of two, and how far beyond the other one they go."""


class Distillation:
    """Teaches a smaller network.

    Args:
        avatar: whose network is too large.
        network: that network at `neutral`.
        neutral: [N, 3] points of the Gaussians on the neutral head, metres.
        conditions: [P, CONDITION_SIZE] of the recording.
        half_precision: products in bfloat16 for most of the time.
        kept: hidden layers that are left.
        seed: of the samples.
    """

    def __init__(
        self,
        avatar: PaperAvatar,
        network: OffsetNetwork,
        neutral: NDArray[np.float32],
        conditions: Tensor,
        *,
        half_precision: bool = False,
        kept: int = KEPT_LAYERS,
        seed: int = 0,
    ) -> None:
        self._teacher, self._conditions, self._half_precision = network, conditions, half_precision
        self._random = torch.Generator().manual_seed(seed)
        self._log_scales = torch.from_numpy(avatar.log_scales).to(conditions.device)
        self.student = OffsetNetwork(neutral, hidden_layers=kept).to(conditions.device)
        self.student.load(self._best(avatar.layers, kept))

    @torch.no_grad()
    def _best(self, layers: tuple[DenseLayer, ...], kept: int) -> list[DenseLayer]:
        """The layers without those inner ones that are missed least, the others fitted to what they get instead."""
        points, conditions = self._samples()
        wanted = self._teacher.at(points, conditions)
        inputs, stages = self._teacher.inputs(points, conditions), self._teacher.stages(points, conditions)
        hidden = len(layers) - 1
        found: list[tuple[float, list[DenseLayer]]] = []
        for inner in combinations(range(1, hidden), kept - 1):
            fitted = _fitted(layers, (0, *inner, hidden), inputs, stages)
            self.student.load(fitted)
            found.append((float(self._error(self.student.at(points, conditions), wanted, points)), fitted))
        return min(found, key=lambda each: each[0])[1]

    def run(self, share_done: Callable[[], float]) -> None:
        """Learns until `share_done` says 1; it is asked before every step."""
        optimizer = torch.optim.Adam(self.student.parameters(), fused=True)
        networks = (self.student, self._teacher)
        while (share := share_done()) < 1:
            for network in networks:
                network.half_precision = self._half_precision and share < HALF_PRECISION_UNTIL
            # Adam's first steps go anywhere: at full length they would undo what was fitted
            optimizer.param_groups[0]["lr"] = RATE * (LAST_RATE / RATE) ** share * min(1.0, share / WARM_UP)
            optimizer.zero_grad()
            points, conditions = self._samples()
            with torch.no_grad():
                wanted = self._teacher.at(points, conditions)
            self._error(self.student.at(points, conditions), wanted, points).backward()
            optimizer.step()
        for network in networks:
            network.half_precision = False

    def _samples(self) -> tuple[Tensor, Tensor]:
        """Points [SAMPLES] and conditions [SAMPLES, CONDITION_SIZE]."""

        def any_of(count: int) -> Tensor:
            return torch.randint(count, (SAMPLES,), generator=self._random).to(self._conditions.device)

        points, first, other = any_of(len(self._log_scales)), *(any_of(len(self._conditions)) for _ in range(2))
        mix, chance = torch.rand(2, SAMPLES, 1, generator=self._random).to(self._conditions.device)
        share = FARTHEST * mix * (chance < MIXED)
        return points, torch.lerp(self._conditions[first], self._conditions[other], share)

    def _error(self, found: Tensor, wanted: Tensor, points: Tensor) -> Tensor:
        """[] mean square of what Gaussians differ by: in Gaussians' sizes, radians, powers of e."""
        difference = torch.tanh(found) - torch.tanh(wanted)
        shifts, turns, growths = difference.split([3, 4, 3], dim=1)
        growths = growths * self._log_scales[points]
        return ((shifts / DISPLACEMENT_M).square().mean() + turns.square().mean() + growths.square().mean()) / 3


def _fitted(
    layers: Sequence[DenseLayer], chosen: Sequence[int], inputs: Tensor, stages: Sequence[Tensor]
) -> list[DenseLayer]:
    """Some of the layers, each of which comes as near as a linear map can to what it gave in the whole network.

    Args:
        layers: of the whole network.
        chosen: which are kept, the first and the last one among them.
        inputs: [n, INPUT_SIZE] of samples.
        stages: what each layer of the whole network makes of them, before anything is cut off at 0.
    """
    found: list[DenseLayer] = []
    values = torch.nn.functional.pad(inputs, (0, 1), value=1.0)
    for place, index in enumerate(chosen):
        if place == index:  # all before it are kept as well
            layer = layers[index]
        else:
            gram = values.T @ values
            ridge = RIDGE * gram.diagonal().mean() * torch.eye(len(gram), device=gram.device)
            both = torch.linalg.solve(gram + ridge, values.T @ stages[index]).cpu().numpy()
            layer = DenseLayer(both[:-1], both[-1])
        found.append(layer)
        weights, bias = (torch.from_numpy(part).to(values.device) for part in (layer.weights, layer.bias))
        values = torch.nn.functional.pad(torch.relu(values[:, :-1] @ weights + bias), (0, 1), value=1.0)
    return found
