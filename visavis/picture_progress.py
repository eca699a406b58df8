"""The bar that long work on pictures shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def picture_progress(doing: str, console: Console | None = None) -> Iterator[Callable[[int, int | None], None]]:
    """A bar on the standard error stream; yields what takes the number of pictures done and the number of all.

    Args:
        doing: what is done.
        console: where to show it instead.
    """
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("pictures,"),
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    with Progress(*columns, console=console or Console(stderr=True, markup=False), transient=True) as progress:
        task = progress.add_task(doing, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
