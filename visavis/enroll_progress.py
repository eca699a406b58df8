"""What an enrolment shows in the terminal: a bar for each stage, or where there is no terminal a line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from enrolment.checkpoint import write_bytes
from enrolment.job_types import Progress as JobProgress
from enrolment.job_types import Stage


class EnrollProgress:
    """Takes in what the job tells; made by `enroll_progress`.

    Args:
        clip: name of the recording.
        console: where lines go.
        bar: where the bar is; None where there is no terminal.
        preview: picture file for what the avatar looks like meanwhile; None for none.
    """

    def __init__(self, clip: str, console: Console, bar: Progress | None, preview: Path | None = None) -> None:
        self._clip, self._console, self._bar, self._preview = clip, console, bar, preview
        self._shown = False
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
        if progress.preview is not None and self._preview is not None:
            self._show(self._preview, progress.preview)
        self._stage = progress.stage

    def stopping(self) -> None:
        """Ctrl-C was pressed."""
        self._say("stopping; press Ctrl-C again to end at once")

    def _show(self, path: Path, picture: NDArray[np.uint8]) -> None:
        """Pictures that cannot be written are left out: the training is worth more."""
        _, data = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(path, data.tobytes())
            if not self._shown:
                self._say(f"what it looks like meanwhile: {path}")
                self._shown = True

    def remove_preview(self) -> None:
        """Deletes the picture, which is out of date when the work ends, and its folder if nothing else is there."""
        if self._shown and self._preview is not None:
            with suppress(OSError):
                self._preview.unlink()
                self._preview.parent.rmdir()

    def _say(self, sentence: str) -> None:
        self._console.print(f"{self._clip}: {sentence}", soft_wrap=True)


@contextmanager
def enroll_progress(clip: str, console: Console, preview: Path | None = None) -> Iterator[EnrollProgress]:
    """A bar that goes away in the end, as the preview does; the lines above it stay.

    Args:
        clip: name of the recording.
        console: where to show it.
        preview: see EnrollProgress.
    """
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn())
    with ExitStack() as stack:
        bar = None
        if console.is_terminal:
            left = TextColumn("{task.fields[left]}")
            bar = stack.enter_context(Progress(*columns, left, console=console, transient=True))
        show = EnrollProgress(clip, console, bar, preview)
        stack.callback(show.remove_preview)
        yield show


def _quality(progress: JobProgress) -> str:
    return "" if progress.psnr_db is None else f", {progress.psnr_db:.2f} dB held out"


def _left(progress: JobProgress) -> str:
    if progress.left_s is None or progress.stage is Stage.REPORT:
        return ""
    minutes, seconds = divmod(round(progress.left_s), 60)
    return f"{minutes}:{seconds:02} left"
