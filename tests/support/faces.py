"""Faces to pose heads with."""

from __future__ import annotations

import numpy as np

from codec.params import FaceParams


def params_of(seed: int, expression_dims: int = 50) -> FaceParams:
    """A random face in front of the lens, everything about it moved."""
    rng = np.random.default_rng(seed)
    return FaceParams(
        expression=rng.normal(0, 1, expression_dims),
        global_rotation=rng.normal(0, 0.3, 3),
        translation=rng.normal(0, 0.05, 3) + np.array([0, 0, 0.65]),
        jaw_pose=np.abs(rng.normal(0, 0.15, 3)) * np.array([1, 0.1, 0.1]),
        eyelids=rng.uniform(0, 1, 2),
        gaze=rng.normal(0, 0.2, 4),
        torso=rng.normal(0, 1, 6) * np.repeat([0.1, 0.03], 3),
    )
