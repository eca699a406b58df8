"""`visavis warm-up`: compiles and caches what the first call would otherwise wait for."""

from __future__ import annotations

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn


def warm_up() -> None:
    """Compile the kernels of renderer and tracker into the cache (once per machine)."""
    from renderer.avatar import warm_up as kernels
    from renderer.head.open_head import load_open_head
    from tracker.closed_loop_warm_up import warm_up_closed_loop
    from tracker.estimator import FaceEstimator

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, transient=True) as progress:
        task = progress.add_task("compiling", total=1.0)
        kernels.warm_up(lambda step, share: progress.update(task, description=step, completed=0.4 * share))
        progress.update(task, description="compiling the tracker")
        head = load_open_head()
        FaceEstimator(head)
        progress.update(task, description="compiling the closed loop", completed=0.6)
        warm_up_closed_loop(head)
        progress.update(task, completed=1.0)
