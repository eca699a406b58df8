"""Takes that measurements judge with: kept ones, or recordings whose last fifth is held out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from enrolment.errors import TakeError
from enrolment.read_take import HoldOut, read_take
from enrolment.take import Take
from enrolment.take_file import load_take
from renderer.head.model import HeadModel
from visavis.errors import CommandError


def load_recording(path: Path, head: HeadModel, tell: Callable[[str, float], None] = lambda doing, share: None) -> Take:
    """A take that was kept (enrolment.take_file), or a recording whose last fifth is held out.

    Args:
        path: of either.
        head: the head model that it is tracked with.
        tell: told what is done, and the finished share of it.

    Raises:
        CommandError: it is of no use, or was made with another head model.
    """
    try:
        kept = path.suffix.lower() == ".npz"
        take = load_take(path) if kept else read_take(path, head, hold_out=HoldOut.TAIL, on_progress=tell)
    except (OSError, ValueError, TakeError) as error:
        raise CommandError(f"{path}: {error}") from error
    if take.head_model_id != head.model_id:
        raise CommandError(f"{path} was tracked with another head model than that of the avatar.")
    if not take.held_out.any() or take.held_out.all():
        raise CommandError(f"{path}: pictures to learn from and held-out ones are needed, and one kind is missing.")
    return take
