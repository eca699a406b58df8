"""What the training of an avatar begins with, if its file is to be small."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from codec.avatar_asset import AvatarAsset
from enrolment.slim import keep_rows, most_visible
from enrolment.slim_shots import shots_of_take
from enrolment.take import Take
from enrolment.visibility import measure_visibility
from renderer.head.model import HeadModel

MOST = 9_500
"""Gaussians. More make pictures hardly better, but larger files, and training slower."""
PLACES = 4
"""Where Gaussians sample the control grid: at multiples of so many parts of a cell."""


def slim_start(take: Take, head: HeadModel, instant: AvatarAsset) -> AvatarAsset:
    """The Gaussians of an instant avatar that are seen most, at few different places of the control grid.

    Args:
        take: the recording.
        head: the head model of `instant`.
        instant: see enrolment.instant.
    """
    shots, _ = shots_of_take(take, head, instant, None)
    kept = keep_rows(instant, most_visible(measure_visibility(head, instant, shots), MOST))
    levels = PLACES * max(1, kept.basis_grid.shape[-1] - 1)
    return replace(kept, grid_uv=(np.rint(kept.grid_uv.astype(np.float64) * levels) / levels).astype(np.float32))
