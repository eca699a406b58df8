"""The bar that work in several stages shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

OnStep = Callable[[str, float], None]
"""Takes the name of a stage and the share of it that is done."""


def of_clip(on_step: OnStep, clip: Path) -> OnStep:
    """The same, with the name of a clip before the stage's."""
    return lambda doing, share: on_step(f"{clip.stem}: {doing}", share)


@contextmanager
def stage_progress(what: str) -> Iterator[OnStep]:
    """A bar on the standard error stream; yields what takes the name of a stage and the share of it that is done.

    Args:
        what: is worked on.
    """
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn())
    with Progress(*columns, console=Console(stderr=True, markup=False), transient=True) as progress:
        task = progress.add_task(what, total=1.0)
        yield lambda doing, share: progress.update(task, description=f"{what}: {doing}", completed=share)
