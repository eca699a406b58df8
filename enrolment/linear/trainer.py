"""Trains a `linear` avatar on the CPU: docs/training.md."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codec.avatar_asset import BASIS_CHANNELS, AvatarAsset
from enrolment.follow import follow_in_parts
from enrolment.initial_bases import GRID, basis_mask
from enrolment.linear.bases import TrainedBases
from enrolment.linear.gaussians import TrainedGaussians
from enrolment.linear.home import pulled_home
from enrolment.linear.outliers import odd_pictures
from enrolment.linear.schedule import FOLLOW_SHARE, FOLLOW_STEPS, SETTLING_STEPS, Schedule
from enrolment.linear.shape import TrainedShape
from enrolment.linear.targets import COARSE, Targets, part_of_person
from enrolment.linear.worker import LOOKED_AT_PX, PictureTask, Worker
from enrolment.metrics.lpips import Lpips
from enrolment.take import SIDE, Take
from renderer.avatar.kernels import layout
from renderer.head.model import HeadModel
from tracker.corrections import Corrections

Floats = NDArray[np.float32]

WORKERS = 2
"""Pictures that a step looks at, one in each thread."""
NOISE = 0.1
"""Standard deviation of what is added to the bases' coefficients, over theirs: live parameters are never exact."""
GRID_EVERY, SHAPE_EVERY = 4, 16
"""Steps that grids and shape collect gradients for."""
POSES = np.r_[50:56, 65:71]
"""Head and torso: that the whole take is turned or shifted is a matter of the avatar, or both would drift apart."""


class LinearTrainer:
    """Implements enrolment.trainer.Trainer for `linear` avatars.

    Args:
        take: what to learn from; its held-out pictures are not looked at.
        head: the head model.
        asset: where to begin, see enrolment.instant.
        budget_s: seconds that the schedule takes.
        threads: how many of them work.
        seed: of the order of pictures and of the noise.
        lpips: judges the likeness of parts of pictures, so that what is drawn is as sharp as what was filmed.
        schedule: when to do what; by default that of a training from the start.
        bases: what of the bases is trained; by default all that the grid was divided for.
    """

    def __init__(
        self,
        take: Take,
        head: HeadModel,
        asset: AvatarAsset,
        budget_s: float,
        threads: int = 2,
        seed: int = 0,
        lpips: Lpips | None = None,
        schedule: Schedule | None = None,
        bases: TrainedBases | None = None,
    ) -> None:
        self.budget_s, self.spent_s, self.loss, self.steps = budget_s, 0.0, float("nan"), 0
        self.corrections = Corrections.none()
        self._follows, self._following_s = 0, 0.0
        self._schedule = schedule or Schedule(budget_s)
        left, top, right, bottom = take.inner
        self._perceives = lpips is not None and min(right - left, bottom - top) >= LOOKED_AT_PX
        self._take, self._head, self._asset = take, head, _with_bases(asset)
        self._random = np.random.default_rng(seed)
        self._pool = ThreadPoolExecutor(max(1, min(threads, WORKERS)), "trainer")
        self._targets = Targets(take, take.train_indices, threads)
        self.faces = take.tracked(take.train_indices)
        padded = -(-asset.count // 16) * 16
        self.gaussians = TrainedGaussians(self._asset, padded, pulled_home(take, head, asset))
        self.bases = bases or TrainedBases(self._asset, _mask(self._asset))
        self.shape = TrainedShape(head, asset.shape_offsets)
        self._mesh_only = not len(asset.basis_grid)
        self._workers = [Worker(head, self._asset, self.gaussians, self.bases, lpips) for _ in range(WORKERS)]
        self._cameras = {size: take.camera(size) for size in (COARSE, SIDE)}
        self._order: list[int] = []
        self._odd = np.zeros(len(self._targets), bool)
        self._spread = self._coefficients().std(axis=0)
        points = self.bases.grids.shape[-1]
        self._by_values = np.zeros((GRID_EVERY * WORKERS, BASIS_CHANNELS, points), np.float32)
        self._coefficient_rows = np.zeros((GRID_EVERY * WORKERS, len(self.bases.grids)), np.float32)
        self._by_weights = np.zeros(self.bases.weights.shape)
        self._by_shape = np.zeros_like(asset.shape_offsets)

    def train(self, seconds: float) -> None:
        """Goes on for about so many seconds, not beyond the schedule's end."""
        end = min(self.spent_s + seconds, self.budget_s)
        losses: list[float] = []
        while self.spent_s < end:
            started = time.perf_counter()
            if self._schedule.follows(self._follows, self.spent_s):
                self._follow()
                self._following_s += time.perf_counter() - started
            losses.append(self._step())
            self.spent_s += time.perf_counter() - started
        if losses:
            self.loss = float(np.mean(losses))

    @property
    def left_out(self) -> int:
        """Pictures that show something else than the face, and are not learned from."""
        return int(self._odd.sum())

    def asset(self) -> AvatarAsset:
        """The avatar as it is now; a copy."""
        asset = self.gaussians.to_asset(self._asset)
        if self._mesh_only:
            empty = np.zeros((0, *self._asset.basis_grid.shape[1:]), np.float16)
            asset = replace(asset, basis_grid=empty, basis_weights=self._asset.basis_weights[:0])
        else:
            asset = self.bases.to_asset(asset)
        return replace(asset, shape_offsets=self.shape.offsets())

    def checkpoint(self) -> dict[str, NDArray[Any]]:
        """All that is needed to go on later."""
        progress = [self.spent_s, self.loss, self.steps, self._follows, self._following_s]
        state: dict[str, NDArray[Any]] = {"progress": np.array(progress)}
        state |= {"faces": self.faces.copy(), "odd": self._odd.copy()}
        for part in self._parts():
            state |= part.state()
        return state | {f"corrections_{name}": array for name, array in self.corrections.to_arrays().items()}

    def restore(self, checkpoint: dict[str, NDArray[Any]]) -> None:
        """Goes on from a checkpoint of a trainer with the same arguments; the order of pictures is drawn anew.

        Raises:
            ValueError: it is another trainer's.
        """
        progress, faces, odd = (checkpoint.get(name, np.zeros(0)) for name in ("progress", "faces", "odd"))
        if (progress.shape, faces.shape, odd.shape) != ((5,), self.faces.shape, self._odd.shape):
            raise ValueError("the checkpoint does not fit")
        prefix = "corrections_"
        known = {name.removeprefix(prefix): checkpoint[name] for name in checkpoint if name.startswith(prefix)}
        corrections = Corrections.from_arrays(known)
        for part in self._parts():
            part.restore(checkpoint)
        self.corrections, self.faces, self._odd = corrections, faces.astype(np.float32), odd.astype(bool)
        self.spent_s, self.loss, self._following_s = float(progress[0]), float(progress[1]), float(progress[4])
        self.steps, self._follows = int(progress[2]), int(progress[3])
        self._spread = self._coefficients().std(axis=0)
        for worker in self._workers:
            worker.set_shape(self.shape.offsets())

    def _parts(self) -> tuple[TrainedGaussians, TrainedBases, TrainedShape]:
        return self.gaussians, self.bases, self.shape

    def _follow(self) -> None:
        """Takes the faces that the closed loop finds with the avatar as it is now."""
        self._follows += 1
        if self._following_s * (1 + 1 / self._follows) > FOLLOW_SHARE * self.budget_s:
            return
        indices = self._targets.indices
        parts = (FOLLOW_STEPS, self._pool, WORKERS)
        followed = follow_in_parts(self._take, self._head, self.asset(), indices, *parts)
        faces = followed.vectors()
        faces[:, POSES] -= (faces - self._take.tracked(indices))[:, POSES].mean(axis=0)
        self.faces = faces
        self._odd = odd_pictures(followed.losses)
        self.corrections = Corrections.learned(self._take.vectors[indices][~self._odd], faces[~self._odd])
        self._spread = self._coefficients().std(axis=0)

    def _step(self) -> float:
        size, rate = self._schedule.size(self.spent_s), self._schedule.rate(self.spent_s)
        self.steps += 1
        tasks = [self._task(self._next(), size) for _ in self._workers]
        losses = list(self._pool.map(lambda pair: pair[0].run(pair[1]), zip(self._workers, tasks, strict=True)))
        correction = float(np.sqrt(1 - 0.99**self.steps) / (1 - 0.9**self.steps))
        pairs = [(worker.gradients, worker.colors) for worker in self._workers]
        edges = np.linspace(0, self.gaussians.count, WORKERS + 1).astype(int)
        steps = [
            self._pool.submit(self.gaussians.step, pairs, rate, correction, start, end)
            for start, end in pairwise(edges)
        ]
        self._collect(tasks)
        for step in steps:
            step.result()
        if self.steps % SHAPE_EVERY == 0:
            self.gaussians.measure()
        if self.steps % GRID_EVERY == 0 and not self._mesh_only:
            self._step_bases(rate)
        if self.steps % SHAPE_EVERY == 0 and self._schedule.settled(self.steps):
            self.shape.step(self._by_shape, rate, 1 + (self.steps - SETTLING_STEPS) // SHAPE_EVERY)
            self._by_shape[...] = 0
            offsets = self.shape.offsets()
            for worker in self._workers:
                worker.set_shape(offsets)
        return float(np.mean(losses))

    def _collect(self, tasks: list[PictureTask]) -> None:
        """Keeps what grids, weights and shape need of this step."""
        for number, (worker, task) in enumerate(zip(self._workers, tasks, strict=True)):
            row = (self.steps % GRID_EVERY) * WORKERS + number
            self._by_values[row] = worker.by_values
            self._coefficient_rows[row] = task.coefficients
            self._by_weights += np.outer(worker.by_weights, task.face[: layout.BASIS_INPUTS])
            if self.steps % 2:
                self._by_shape += worker.gradients.shape()

    def _step_bases(self, rate: float) -> None:
        steps = self.steps // GRID_EVERY
        correction = float(np.sqrt(1 - 0.99**steps) / (1 - 0.9**steps))
        every = range(len(self.bases.grids))
        list(
            self._pool.map(
                lambda first: self.bases.step(
                    self._coefficient_rows, self._by_values, rate, correction, every[first::WORKERS]
                ),
                range(WORKERS),
            )
        )
        if self._schedule.settled(self.steps):
            self.bases.step_weights(self._by_weights, rate, steps)
        self._by_weights[...] = 0

    def _next(self) -> int:
        if not self._order:
            self._order = self._random.permutation(np.flatnonzero(~self._odd)).tolist()
        return self._order.pop()

    def _task(self, row: int, size: int) -> PictureTask:
        face = self.faces[row]
        coefficients = self.bases.coefficients(face[: layout.BASIS_INPUTS])
        coefficients += NOISE * self._spread * self._random.standard_normal(len(coefficients)).astype(np.float32)
        background = self._random.random(3).astype(np.float32)
        inner = self._take.inner_at(size)
        target, alpha, weights = self._targets.get(row, size)
        looked_at = None
        if self._perceives and self._schedule.perceives(self.steps, self.spent_s):
            looked_at = part_of_person(alpha, inner, LOOKED_AT_PX, self._random)
        return PictureTask(
            face, coefficients, self._cameras[size], target, alpha, weights, background, inner, looked_at
        )

    def _coefficients(self) -> Floats:
        return self.faces[:, : layout.BASIS_INPUTS] @ self.bases.weights.T


def _mask(asset: AvatarAsset) -> NDArray[np.bool_]:
    """What bases may change: of the usual grid what it was divided for, of any other all."""
    if asset.basis_grid.shape[-1] == GRID:
        return basis_mask(asset)
    return np.ones(asset.basis_grid.shape, bool)


def _with_bases(asset: AvatarAsset) -> AvatarAsset:
    """`asset`, with one basis that does nothing if it has none."""
    if len(asset.basis_grid):
        return asset
    grid = np.zeros((1, BASIS_CHANNELS, 2, 2), np.float16)
    return replace(asset, basis_grid=grid, basis_weights=np.zeros((1, layout.BASIS_INPUTS), np.float32))
