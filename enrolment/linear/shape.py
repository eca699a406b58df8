"""The head's shape in training: low-frequency displacements at a few hundred control points."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from renderer.head.model import HeadModel, Part

Floats = NDArray[np.float32]

CONTROLS = 160
REACH_M = 0.022
"""Standard deviation of a control point's influence."""
RATE_M = 2e-5
"""Length of a step."""
FURTHEST_M = 0.012
_RIGID = (Part.LEFT_EYE, Part.RIGHT_EYE, Part.UPPER_TEETH, Part.LOWER_TEETH, Part.TONGUE)


class TrainedShape:
    """Smooth displacement of the head's vertices; eyeballs, teeth and tongue move as wholes.

    Args:
        head: the head model.
        shape_offsets: [V, 3] where to begin, metres.
    """

    def __init__(self, head: HeadModel, shape_offsets: Floats) -> None:
        self._start = shape_offsets.astype(np.float32)
        points = (head.v_template + shape_offsets).astype(np.float64)
        for part in _RIGID:
            members = head.parts == part
            if members.any():
                points[members] = points[members].mean(axis=0)
        skin = np.flatnonzero(head.parts == Part.SKIN)
        controls = points[skin[_spread(points[skin], CONTROLS)]]
        distance = ((points[:, None] - controls[None]) ** 2).sum(axis=2)  # [V, C]
        distance -= distance.min(axis=1, keepdims=True)  # far from all of them, the nearest counts
        weights = np.exp(-0.5 * distance / REACH_M**2)
        self._weights = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
        self.moves = np.zeros((len(controls), 3), np.float32)
        self._moments = np.zeros((2, *self.moves.shape), np.float32)

    def offsets(self) -> Floats:
        """[V, 3] the shape now."""
        return self._start + np.einsum("vc,cd->vd", self._weights, self.moves)

    def step(self, gradient: Floats, rate: float, steps: int) -> None:
        """One step of Adam down dL/d(offsets) [V, 3]."""
        by_moves = np.einsum("vc,vd->cd", self._weights, gradient)
        mean, square = self._moments
        mean += 0.1 * (by_moves - mean)
        square += 0.01 * (by_moves**2 - square)
        correction = np.sqrt(1 - 0.99**steps) / (1 - 0.9**steps)
        self.moves -= (rate * RATE_M * correction * mean / (np.sqrt(square) + 1e-12)).astype(np.float32)
        np.clip(self.moves, -FURTHEST_M, FURTHEST_M, out=self.moves)

    def state(self) -> dict[str, NDArray[Any]]:
        """Copies of all that steps change."""
        return {"moves": self.moves.copy(), "move_moments": self._moments.copy()}

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Takes back what `state` gave.

        Raises:
            ValueError: it is of another head.
        """
        for name, array in (("moves", self.moves), ("move_moments", self._moments)):
            saved = state.get(name)
            if saved is None or saved.shape != array.shape:
                raise ValueError(f"the checkpoint does not fit: {name}")
            array[...] = saved


def _spread(points: NDArray[np.float64], count: int) -> NDArray[np.intp]:
    """[count] indices of points far from each other: each is the farthest from those before it."""
    chosen = [0]
    distance = np.full(len(points), np.inf)
    for _ in range(min(count, len(points)) - 1):
        distance = np.minimum(distance, ((points - points[chosen[-1]]) ** 2).sum(axis=1))
        chosen.append(int(distance.argmax()))
    return np.array(chosen)
