"""Training of `linear` avatars with PyTorch, for graphics cards: what enrolment.linear does on the processor.

Rates, losses, bounds and schedule are those of enrolment.linear; a step looks at more pictures. It also runs on the
processor, many times slower than enrolment.linear, which is how it is tested.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from numpy.typing import NDArray
from torch import Tensor  # pyright: ignore[reportMissingImports]

from codec.avatar_asset import AvatarAsset
from enrolment.initial_bases import basis_mask
from enrolment.linear.bases import RATES as GRID_RATES
from enrolment.linear.bases import WEIGHT_RATE
from enrolment.linear.gaussians import RATES, SPREADS
from enrolment.linear.home import pulled_home
from enrolment.linear.schedule import Schedule
from enrolment.linear.shape import TrainedShape
from enrolment.linear.targets import COARSE, weights_of
from enrolment.linear.trainer import GRID_EVERY, NOISE, SETTLING_STEPS, SHAPE_EVERY
from enrolment.linear.worker import DISSIMILARITY, HUBER_DELTA
from enrolment.take import SIDE, Take
from enrolment.torch_training.linear_splats import GRID_PARTS, LinearSplats
from enrolment.torch_training.losses import dissimilarity, huber
from enrolment.torch_training.pictures import Pictures
from enrolment.torch_training.rasterize import rasterize_on
from enrolment.torch_training.state import Arrays, load_state, save_state, shuffled, torch_threads
from renderer.head.model import HeadModel

ADAM = {"betas": (0.9, 0.99), "eps": 1e-12}
PICTURES_ON_CARD, PICTURES_ON_PROCESSOR = 4, 2
"""Pictures that a step looks at."""
LOSS_MEMORY = 0.9
_GRIDS = {name: float(GRID_RATES[channels.start]) for name, channels in GRID_PARTS.items()}
_WEIGHT_SIXTEENTHS = 1 / 16


class LinearTorchTrainer:
    """enrolment.trainer.Trainer for profile `linear`.

    Args:
        take: its pictures that are not held out are learned from.
        head: the head model that the take's vectors drive.
        asset: where to begin, see enrolment.instant.
        budget_s: seconds that the whole schedule takes.
        mask: [K, 9, G, G] bool: which values of the bases' grids may differ from 0; None: those of
            enrolment.initial_bases.
        device: PyTorch's name, `cuda` or `cpu`.
        seed: of the order of the pictures and of the noise.
        threads: for the processor.
        clock: seconds.

    Attributes:
        budget_s, spent_s, loss: see Trainer.
        steps: how many are done.
        faces: [P, 71] what moves the avatar in each picture to learn from (avatar_model.instant_vector); may be
            replaced between calls of `train`.

    Raises:
        ValueError: no picture of the take is to be learned from, or the asset has no bases.
        CudaUnavailableError: `cuda` was asked for in vain.
    """

    def __init__(
        self,
        take: Take,
        head: HeadModel,
        asset: AvatarAsset,
        budget_s: float,
        *,
        mask: NDArray[np.bool_] | None = None,
        device: str = "cuda",
        seed: int = 0,
        threads: int = 2,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        if not len(take.train_indices):
            raise ValueError("the take has no picture to learn from")
        mask = basis_mask(asset) if mask is None else mask
        if mask.shape != asset.basis_grid.shape or not mask.size:
            raise ValueError(f"a mask of shape {mask.shape} for bases of shape {asset.basis_grid.shape}")
        self.budget_s, self.spent_s, self.loss, self.steps = budget_s, 0.0, float("nan"), 0
        self._schedule = Schedule(budget_s)
        self._device, self._seed, self._threads, self._clock = torch.device(device), seed, threads, clock
        self._rasterize = rasterize_on(self._device, threads)
        self._pictures_a_step = PICTURES_ON_CARD if self._device.type == "cuda" else PICTURES_ON_PROCESSOR
        masks = np.stack([weights_of(take.landmarks_px[i] * (COARSE / SIDE), COARSE) for i in take.train_indices])
        self._pictures = Pictures(take, take.train_indices, masks, self._device)
        self._cameras = {size: take.camera(size) for size in (COARSE, SIDE)}
        self.faces = take.tracked(take.train_indices)
        self._shape = TrainedShape(head, asset.shape_offsets)
        self._template = self._tensor(head.v_template)
        self._by_shape = np.zeros_like(head.v_template)
        self._splats = LinearSplats(head, asset, mask, self._device, pulled_home(take, head, asset))
        rates = {**RATES, **_GRIDS, "relative_weights": WEIGHT_RATE}
        groups = [{"params": [getattr(self._splats, name)], "lr": rate, "name": name} for name, rate in rates.items()]
        self._rates = rates
        self._optimizer = torch.optim.Adam(groups, **ADAM, fused=True)
        self._spread = self._splats.coefficients(self._tensor(self.faces)).detach().std(dim=0, correction=0)

    def train(self, seconds: float) -> None:
        """Goes on for about so many seconds, not beyond the schedule's end."""
        before, started = self.spent_s, self._clock()
        until = min(before + seconds, self.budget_s)
        with torch_threads(self._threads):
            while self.spent_s < until:
                self.step()
                self.spent_s = before + self._clock() - started

    def step(self) -> None:
        """One step of the Gaussians; every few of them, one of grids and shape."""
        size, rate = self._schedule.size(self.spent_s), self._schedule.rate(self.spent_s)
        first = self.steps * self._pictures_a_step
        rows = [shuffled(len(self._pictures), first + i, self._seed) for i in range(self._pictures_a_step)]
        shaped = (self._template + self._tensor(self._shape.offsets())).requires_grad_()
        loss = self._loss(rows, shaped, size)
        loss.backward()
        self.steps += 1
        self._follow(rate)
        self._by_shape += shaped.grad.cpu().numpy()
        if self.steps % SHAPE_EVERY == 0:
            if self.steps > SETTLING_STEPS:
                self._shape.step(self._by_shape, rate, (self.steps - SETTLING_STEPS) // SHAPE_EVERY)
            self._by_shape[...] = 0
        value = float(loss.detach())
        self.loss = value if np.isnan(self.loss) else LOSS_MEMORY * self.loss + (1 - LOSS_MEMORY) * value

    def asset(self) -> AvatarAsset:
        """The avatar as it is now; a copy."""
        return self._splats.avatar(self._shape.offsets())

    def checkpoint(self) -> Arrays:
        """All that is needed to go on later, but `faces`."""
        counters = {"steps": self.steps, "spent_s": self.spent_s, "loss": self.loss}
        arrays = save_state(self._splats, self._optimizer, counters)
        for name in (*_GRIDS, "relative_weights"):  # what is collected between their steps
            gradient = getattr(self._splats, name).grad
            collected = None if gradient is None else gradient.cpu().numpy().copy()
            arrays[f"collected/{name}"] = np.zeros(0, np.float32) if collected is None else collected
        arrays |= {f"shape/{name}": array for name, array in self._shape.state().items()}
        return {**arrays, "shape/collected": self._by_shape.copy()}

    def restore(self, checkpoint: Mapping[str, NDArray[np.generic]]) -> None:
        """Goes on from a checkpoint of a trainer with the same arguments.

        Raises:
            ValueError: it is another trainer's.
        """
        mine = {name: value for name, value in checkpoint.items() if not name.startswith(("shape/", "collected/"))}
        shape = {name.removeprefix("shape/"): value for name, value in checkpoint.items() if name.startswith("shape/")}
        collected = shape.pop("collected", np.zeros(0))
        if collected.shape != self._by_shape.shape:
            raise ValueError("the checkpoint is that of another training")
        counters = load_state(self._splats, self._optimizer, ("steps", "spent_s", "loss"), mine)
        self._shape.restore(shape)
        self._by_shape[...] = collected
        for name in (*_GRIDS, "relative_weights"):
            parameter, gradient = getattr(self._splats, name), checkpoint.get(f"collected/{name}", np.zeros(0))
            parameter.grad = self._tensor(gradient).reshape(parameter.shape) if gradient.size else None
        self.steps, self.spent_s, self.loss = int(counters["steps"]), counters["spent_s"], counters["loss"]

    def _loss(self, rows: list[int], shaped: Tensor, size: int) -> Tensor:
        random = np.random.default_rng((self._seed, self.steps, 1))
        faces = self._tensor(self.faces[rows])
        noise = self._tensor(random.standard_normal((len(rows), len(self._spread))))
        coefficients = self._splats.coefficients(faces) + NOISE * self._spread * noise
        backgrounds = random.random((len(rows), 3))
        batch = self._splats.pose(shaped, faces, coefficients)
        colors = [(float(red), float(green), float(blue)) for red, green, blue in backgrounds]
        pictures = self._rasterize(batch, [self._cameras[size]] * len(rows), colors)
        which = torch.tensor(rows, device=self._device)
        targets = self._pictures.over(which, self._tensor(backgrounds), size)
        pictures = self._pictures.only_known(pictures, targets)
        weights = _WEIGHT_SIXTEENTHS * self._pictures.masks(which, size)
        unlike = float(DISSIMILARITY) * dissimilarity(pictures, targets)
        return huber(pictures, targets, float(HUBER_DELTA), weights) / float(HUBER_DELTA) + unlike

    def _follow(self, rate: float) -> None:
        """Steps down the gradients; grids and the linear map collect theirs over several steps."""
        slow = self.steps % GRID_EVERY == 0
        settled = self.steps > SETTLING_STEPS
        kept: dict[str, Tensor | None] = {}
        for group in self._optimizer.param_groups:
            name, (parameter,) = group["name"], group["params"]
            group["lr"] = rate * self._rates[name]
            if (name in _GRIDS and not slow) or (name == "relative_weights" and not (slow and settled)):
                kept[name], parameter.grad = parameter.grad, None
        for name in SPREADS:
            state = self._optimizer.state.get(getattr(self._splats, name))
            if state:
                self._splats.pull_home(name, state["exp_avg_sq"].sqrt().mean())
        self._optimizer.step()
        self._splats.settle()
        if slow:
            self._splats.settle_grids(rate, _GRIDS)
        self._optimizer.zero_grad()
        if not slow:
            for name, gradient in kept.items():
                getattr(self._splats, name).grad = gradient

    def _tensor(self, array: NDArray) -> Tensor:
        return torch.from_numpy(np.array(array, np.float32, order="C")).to(self._device)
