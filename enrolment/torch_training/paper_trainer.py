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
from torch import Tensor  # pyright: ignore[reportMissingImports]

from codec.paper_avatar import PaperAvatar
from enrolment.take import SIDE, Take
from enrolment.torch_training.losses import huber
from enrolment.torch_training.paper_splats import PaperSplats, bind
from enrolment.torch_training.pictures import Pictures, mouth_mask
from enrolment.torch_training.rasterize import rasterize_on
from enrolment.torch_training.state import (
    Arrays,
    bfloat16_is_faster,
    load_state,
    save_state,
    shuffled,
    torch_threads,
)
from enrolment.torch_training.uv_sampling import PAPER_COUNT, sample_about
from renderer.avatar.avatar_model import skull_rotation
from renderer.avatar.paper_model import condition_vector, without_head_pose
from renderer.head.model import HeadModel
from renderer.head.pose import FLIP, pose_vertices

HUBER_DELTA = 0.1
MOUTH_WEIGHT = 40.0
RATES = {"network": 1e-4, "sh0": 2.5e-3, "sh_rest": 1.25e-4, "logit_opacities": 0.05, "log_scales": 5e-3, "quats": 1e-3}
ADAM_EPS = 1e-15
TERMS = (0, 3, 8, 15)
"""Coefficients of harmonics up to degree 0 .. 3."""

WHITE = (1.0, 1.0, 1.0)
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
        self._take, self._head, self._name, self._shape_offsets = take, head, name, shape_offsets
        self._device, self._seed, self._threads, self._clock = torch.device(device), seed, threads, clock
        self._rasterize = rasterize_on(self._device, threads)
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
        mouths = np.stack([mouth_mask(take.landmarks_px[index]) for index in take.train_indices])
        self._pictures = Pictures(take, take.train_indices, mouths, self._device)
        self._instants = _Instants(take, head, shape_offsets, self._device)
        self._corners = torch.from_numpy(head.faces[self._binding.faces_bound].astype(np.int64)).to(self._device)
        self._barycentrics = torch.from_numpy(self._binding.barycentrics).to(self._device)

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
        index = shuffled(len(self._pictures), self.iterations, self._seed)
        size = SIDE // 2 if progress < schedule.small_until else SIDE
        self._splats.network.use_anchors = progress < schedule.anchors_until and self._splats.network.has_anchors
        for group, rate in zip(self._optimizer.param_groups, self._rates, strict=True):
            group["lr"] = rate * self._rate_factor(progress)
        self._optimizer.zero_grad()
        picture = self._draw(index, size)
        which = torch.tensor([index], device=self._device)
        target = self._pictures.over(which, torch.ones(1, 3, device=self._device), size)
        picture = self._pictures.only_known(picture, target)
        weights = 1 + MOUTH_WEIGHT * self._pictures.masks(which, size)
        loss = huber(picture, target, HUBER_DELTA, weights)
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

    def _draw(self, index: int, size: int) -> Tensor:
        """[1, size, size, 3] what the avatar looks like in a picture that is learned from."""
        instants = self._instants
        points = (self._barycentrics[..., None] * instants.vertices[index][self._corners]).sum(1)
        terms = TERMS[min(self.iterations // self._schedule.degree_every, len(TERMS) - 1)]
        batch = self._splats.pose(
            points, instants.conditions[index], instants.skulls[index], instants.translations[index], terms
        )
        return self._rasterize(batch, [self._take.camera(size)], [WHITE])

    def _rate_factor(self, progress: float) -> float:
        schedule = self._schedule
        late = max(progress - schedule.steady_until, 0) / max(1 - schedule.steady_until, 1e-9)
        return schedule.rate * schedule.last_rate**late


class _Instants:
    """What the take says of each of the P pictures to learn from, on a device.

    Attributes:
        vertices: [P, V, 3] the mesh in the head frame, without the head's rotation and position, metres.
        conditions: [P, CONDITION_SIZE].
        skulls: [P, 3, 3] head frame to camera frame.
        translations: [P, 3] metres.
    """

    def __init__(self, take: Take, head: HeadModel, shape_offsets: NDArray[np.float32], device: torch.device) -> None:
        params = [take.params(int(index)) for index in take.train_indices]
        posed = [pose_vertices(head, shape_offsets, without_head_pose(each)) @ FLIP for each in params]
        self.vertices = _tensor(posed, device)
        self.conditions = _tensor([condition_vector(each) for each in params], device)
        self.skulls = _tensor([skull_rotation(each) for each in params], device)
        self.translations = _tensor([each.translation for each in params], device)


def _tensor(rows: list[NDArray[np.floating]], device: torch.device) -> Tensor:
    return torch.from_numpy(np.stack(rows).astype(np.float32)).to(device)
