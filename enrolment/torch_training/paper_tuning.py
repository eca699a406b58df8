"""Training on of a `paper` avatar that was trained, compressed or not, with the pictures it was learned from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

import torch  # pyright: ignore[reportMissingImports]
from torch import Tensor  # pyright: ignore[reportMissingImports]

from enrolment.take import SIDE
from enrolment.torch_training.paper_scene import PaperScene
from enrolment.torch_training.paper_splats import Attributes, OffsetNetwork
from enrolment.torch_training.paper_trainer import RATES
from enrolment.torch_training.state import shuffled

FIRST_RATE, LAST_RATE = 0.5, 0.05
"""What the rates of the training are multiplied by, from the beginning to the end: it has ended with a third."""


class Tuned(Protocol):
    """What can be trained on."""

    def attributes(self) -> Attributes:
        """The Gaussians as they are now."""
        ...

    def rate_groups(self, rates: Mapping[str, float]) -> Iterable[tuple[Tensor, float]]:
        """Each parameter and the length of its steps, for those of the attributes."""
        ...


def tune(
    splats: Tuned,
    network: OffsetNetwork,
    scene: PaperScene,
    terms: int,
    share_done: Callable[[], float],
    seed: int = 0,
) -> None:
    """Trains Gaussians and network, as enrolment.torch_training.paper_trainer ends, but at the pictures' full size.

    Args:
        splats: the Gaussians.
        network: what moves them.
        scene: the pictures.
        terms: coefficients of the harmonics.
        share_done: asked before every step; the training ends at 1.
        seed: of the order of the pictures.
    """
    groups = [{"params": [parameter], "lr": rate} for parameter, rate in splats.rate_groups(RATES)]
    groups.append({"params": list(network.parameters()), "lr": RATES["network"]})
    optimizer = torch.optim.Adam(groups, eps=1e-15, fused=True)
    rates = [group["lr"] for group in groups]
    step = 0
    while (share := share_done()) < 1:
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * FIRST_RATE * (LAST_RATE / FIRST_RATE) ** share
        optimizer.zero_grad()
        index = shuffled(len(scene), step, seed)
        output = network(scene.conditions[index])
        scene.loss(splats.attributes(), output, index, SIDE, terms).backward()
        optimizer.step()
        step += 1
