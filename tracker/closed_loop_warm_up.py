"""Compiles what the closed loop needs ahead of the first face."""

from __future__ import annotations

import numpy as np

from codec.params import FaceParams
from renderer.avatar.avatar_model import AvatarModel
from renderer.avatar.warm_up import smallest_avatar
from renderer.head.model import HeadModel
from tracker.closed_loop import ClosedLoop

_SIDE = 32


def warm_up_closed_loop(head: HeadModel) -> None:
    """Compiles, or loads from the cache, the renderer's way back and the loss.

    Half a minute the first time on a machine, half a second after that. Safe to run in a background thread.
    """
    picture = np.full((_SIDE, _SIDE, 3), 128, np.uint8)
    K = np.array([[_SIDE, 0, _SIDE / 2], [0, _SIDE, _SIDE / 2], [0, 0, 1]], np.float32)
    loop = ClosedLoop(AvatarModel(head, smallest_avatar(head)), side=_SIDE)
    loop.refine(picture, FaceParams.neutral(), K)
