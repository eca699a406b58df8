"""What an enrolment shows in the terminal: a bar for each stage, or where there is no terminal a line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from enrolment.job_types import Progress as JobProgress
from enrolment.job_types import Stage


class EnrollProgress:
    """Takes in what the job tells; made by `enroll_progress`.

    Args:
        clip: name of the recording.
        console: where lines go.
        bar: where the bar is; None where there is no terminal.
    """

    def __init__(self, clip: str, console: Console, bar: Progress | None) -> None:
        self._clip, self._console, self._bar = clip, console, bar
        self._task = None if bar is None else bar.add_task(clip, total=1.0, left="")
        self._stage: Stage | None = None

    def on_progress(self, progress: JobProgress) -> None:
        """See enrolment.job.run_enrolment."""
        if self._bar is not None and self._task is not None:
            self._bar.update(
                self._task,
                description=f"{self._clip}: {progress.doing}{_quality(progress)}",
                completed=progress.share,
                left=_left(progress),
            )
        elif progress.stage is not self._stage:
            self._say(progress.stage)
        if progress.note is not None:
            self._say(progress.note)
        if progress.kept is not None and progress.stage is Stage.INSTANT:
            self._say(f"an avatar can be worn already: {progress.kept.place}")
        self._stage = progress.stage

    def stopping(self) -> None:
        """Ctrl-C was pressed."""
        self._say("stopping; press Ctrl-C again to end at once")

    def _say(self, sentence: str) -> None:
        self._console.print(f"{self._clip}: {sentence}", soft_wrap=True)


@contextmanager
def enroll_progress(clip: str, console: Console) -> Iterator[EnrollProgress]:
    """A bar that goes away in the end; the lines above it stay.

    Args:
        clip: name of the recording.
        console: where to show it.
    """
    if not console.is_terminal:
        yield EnrollProgress(clip, console, None)
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn())
    with Progress(*columns, TextColumn("{task.fields[left]}"), console=console, transient=True) as bar:
        yield EnrollProgress(clip, console, bar)


def _quality(progress: JobProgress) -> str:
    return "" if progress.psnr_db is None else f", {progress.psnr_db:.2f} dB held out"


def _left(progress: JobProgress) -> str:
    if progress.left_s is None or progress.stage is Stage.REPORT:
        return ""
    minutes, seconds = divmod(round(progress.left_s), 60)
    return f"{minutes}:{seconds:02} left"
