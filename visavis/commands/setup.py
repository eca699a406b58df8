"""`visavis warm-up`: compiles and caches what the first call would otherwise wait for."""

from __future__ import annotations

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


def warm_up() -> None:
    """Compile the renderer's kernels into the cache (once per machine)."""
    from renderer.backends import cpu

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, transient=True) as progress:
        task = progress.add_task("compiling", total=None)
        cpu.warm_up(lambda step: progress.update(task, description=f"compiling {step}"))
