"""What every way of training an avatar looks like from outside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from numpy.typing import NDArray

from codec.avatar_asset import AvatarAsset
from codec.paper_avatar import PaperAvatar

GoOn = Callable[[float], bool]
"""Told the finished share, 0..1, of something long; answers whether to go on with it."""


def always(share: float) -> bool:
    """A GoOn that never stops anything."""
    return True


class Trainer(Protocol):
    """Fits an avatar to a take, a few seconds at a time.

    Attributes:
        budget_s: seconds that the whole schedule takes.
        spent_s: seconds of it that are done.
        loss: mean loss of the latest steps.
    """

    budget_s: float
    spent_s: float
    loss: float

    def train(self, seconds: float) -> None:
        """Goes on for about so many seconds, not beyond the schedule's end."""
        ...

    def asset(self) -> AvatarAsset | PaperAvatar:
        """The avatar as it is now; a copy."""
        ...

    def checkpoint(self) -> dict[str, NDArray[Any]]:
        """All that is needed to go on later."""
        ...

    def restore(self, checkpoint: dict[str, NDArray[Any]]) -> None:
        """Goes on from a checkpoint of a trainer with the same arguments.

        Raises:
            ValueError: it is another trainer's.
        """
        ...
