"""`visavis warm-up`: compiles and caches what the first call would otherwise wait for."""

from __future__ import annotations

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn


def warm_up() -> None:
    """Compile the renderer's kernels into the cache (once per machine)."""
    from renderer.avatar import warm_up as kernels

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, transient=True) as progress:
        task = progress.add_task("compiling", total=1.0)
        kernels.warm_up(lambda step, share: progress.update(task, description=step, completed=share))
