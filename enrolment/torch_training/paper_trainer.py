"""Training of `paper` avatars: FlashAvatar's losses and schedule (Xiang et al., CVPR 2024), on either device.

On a graphics card it is theirs. On the processor there is time for a fraction of their iterations, so each costs less
at first: smaller pictures, and a network that runs for some of the points; and steps are longer. docs/training.md.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from numpy.typing import NDArray

from codec.paper_avatar import PaperAvatar
from enrolment.take import SIDE, Take
from enrolment.torch_training.paper_scene import PaperScene
from enrolment.torch_training.paper_splats import PaperSplats, bind
from enrolment.torch_training.state import (
    Arrays,
    bfloat16_is_faster,
    load_state,
    save_state,
    shuffled,
    torch_threads,
)
from enrolment.torch_training.uv_sampling import PAPER_COUNT, sample_about
from renderer.head.model import HeadModel

RATES = {"network": 1e-4, "sh0": 2.5e-3, "sh_rest": 1.25e-4, "logit_opacities": 0.05, "log_scales": 5e-3, "quats": 1e-3}
ADAM_EPS = 1e-15
TERMS = (0, 3, 8, 15)
"""Coefficients of harmonics up to degree 0 .. 3."""

LOSS_MEMORY = 0.9


@dataclass(frozen=True)
class PaperSchedule:
    """How the time is spent. Shares are of the budget, 0..1.

    Args:
        small_until: share in which pictures have half the side.
        anchors: points that the network runs for in the beginning (paper_splats.OffsetNetwork); 0: always for all.
        anchors_until: share in which it does.
        rate: what all learning rates are multiplied by.
        steady_until: share in which rates stay; then they fall to `last_rate` times as much.
        last_rate: see `steady_until`.
        degree_every: iterations until the harmonics' degree rises by one.
        half_precision: the network's products in bfloat16, where that is faster.
    """

    small_until: float = 0.0
    anchors: int = 0
    anchors_until: float = 0.0
    rate: float = 1.0
    steady_until: float = 1.0
    last_rate: float = 1.0
    degree_every: int = 500
    half_precision: bool = False


ON_CARD = PaperSchedule()
ON_PROCESSOR = PaperSchedule(
    small_until=0.5,
    anchors=2048,
    anchors_until=0.8,
    rate=3.0,
    steady_until=0.6,
    last_rate=0.1,
    half_precision=True,
)


class PaperTrainer:
    """enrolment.trainer.Trainer for profile `paper`.

    Pictures come one at a time, shuffled; nothing is densified. The head's poses are the take's, as in FlashAvatar. It
    drops the shoulders; here they stay, and move with the skull as renderer.avatar.paper_model shows them.

    Args:
        take: its pictures that are not held out are learned from.
        head: the head model that the take's vectors drive.
        shape_offsets: [V, 3] metres, the person's head = v_template + shape_offsets.
        budget_s: seconds that the whole schedule takes.
        name: display name of the avatar.
        device: PyTorch's name, `cpu` or `cuda`.
        seed: of the first weights and the order of the pictures.
        threads: for the processor.
        schedule: None: the one for the device.
        count: Gaussians, about.
        clock: seconds.

    Attributes:
        budget_s, spent_s, loss: see Trainer.
        iterations: how many are done.

    Raises:
        ValueError: no picture of the take is to be learned from.
        CudaUnavailableError: `cuda` was asked for in vain.
    """

    def __init__(
        self,
        take: Take,
        head: HeadModel,
        shape_offsets: NDArray[np.float32],
        budget_s: float,
        *,
        name: str = "",
        device: str = "cpu",
        seed: int = 0,
        threads: int = 2,
        schedule: PaperSchedule | None = None,
        count: int = PAPER_COUNT,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        if not len(take.train_indices):
            raise ValueError("the take has no picture to learn from")
        self.budget_s, self.spent_s, self.loss, self.iterations = budget_s, 0.0, float("nan"), 0
        self._head, self._name, self._shape_offsets = head, name, shape_offsets
        self._device, self._seed, self._threads, self._clock = torch.device(device), seed, threads, clock
        self._schedule = schedule or (ON_CARD if self._device.type == "cuda" else ON_PROCESSOR)
        self._binding = bind(head, shape_offsets, sample_about(head, count))
        with torch.random.fork_rng(devices=[]), torch_threads(threads):
            torch.manual_seed(seed)
            anchors = self._schedule.anchors if self._schedule.anchors < len(self._binding.neutral) else 0
            self._splats = PaperSplats(self._binding, anchors).to(self._device)
        with torch_threads(threads):
            self._splats.network.half_precision = self._schedule.half_precision and bfloat16_is_faster(self._device)
        groups = [{"params": list(self._splats.network.parameters()), "lr": RATES["network"]}]
        groups += [{"params": [getattr(self._splats, n)], "lr": rate} for n, rate in RATES.items() if n != "network"]
        self._rates = [group["lr"] for group in groups]
        self._optimizer = torch.optim.Adam(groups, eps=ADAM_EPS, fused=True)
        self._scene = PaperScene(take, head, shape_offsets, self._binding, self._device, threads)

    def train(self, seconds: float) -> None:
        """Goes on for about so many seconds, not beyond the schedule's end."""
        before, started = self.spent_s, self._clock()
        until = min(before + seconds, self.budget_s)
        with torch_threads(self._threads):
            while self.spent_s < until:
                self.step()
                self.spent_s = before + self._clock() - started

    def step(self) -> None:
        """One iteration."""
        schedule, progress = self._schedule, self.spent_s / self.budget_s
        index = shuffled(len(self._scene), self.iterations, self._seed)
        size = SIDE // 2 if progress < schedule.small_until else SIDE
        self._splats.network.use_anchors = progress < schedule.anchors_until and self._splats.network.has_anchors
        for group, rate in zip(self._optimizer.param_groups, self._rates, strict=True):
            group["lr"] = rate * self._rate_factor(progress)
        self._optimizer.zero_grad()
        terms = TERMS[min(self.iterations // schedule.degree_every, len(TERMS) - 1)]
        output = self._splats.network(self._scene.conditions[index])
        loss = self._scene.loss(self._splats.attributes(), output, index, size, terms)
        loss.backward()
        self._optimizer.step()
        value = float(loss.detach())
        self.loss = value if np.isnan(self.loss) else LOSS_MEMORY * self.loss + (1 - LOSS_MEMORY) * value
        self.iterations += 1

    def asset(self) -> PaperAvatar:
        """The avatar as it is now; a copy."""
        return self._splats.avatar(self._head.model_id, self._name, self._shape_offsets, self._binding)

    def checkpoint(self) -> Arrays:
        """All that is needed to go on later."""
        counters = {"iterations": self.iterations, "spent_s": self.spent_s, "loss": self.loss}
        return save_state(self._splats, self._optimizer, counters)

    def restore(self, checkpoint: Mapping[str, NDArray[np.generic]]) -> None:
        """Goes on from a checkpoint of a trainer with the same arguments.

        Raises:
            ValueError: it is another trainer's.
        """
        counters = load_state(self._splats, self._optimizer, ("iterations", "spent_s", "loss"), checkpoint)
        self.iterations, self.spent_s, self.loss = int(counters["iterations"]), counters["spent_s"], counters["loss"]

    def _rate_factor(self, progress: float) -> float:
        schedule = self._schedule
        late = max(progress - schedule.steady_until, 0) / max(1 - schedule.steady_until, 1e-9)
        return schedule.rate * schedule.last_rate**late
