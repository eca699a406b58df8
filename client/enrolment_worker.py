"""`python -m client.enrolment_worker CLIP`: one enrolment for client.enrolment_runner.

Writes one JSON object a line to standard output: progress (the fields of client.enrolment_queue.Progress, `avatar` as
the name of a file beside the clip), and in the end `{"ended": true}` or `{"problem": sentence}`.
"""

from __future__ import annotations

import argparse
import json
import os
import threading
import time
from pathlib import Path
from typing import TextIO

from avatar_store.errors import AvatarStoreError
from codec.avatar_file import avatar_id
from enrolment.errors import EnrolmentError
from enrolment.job_types import EnrolmentJob, JobStopped, Kept, Progress, Stage
from enrolment.read_take import HoldOut
from tracker.profile import PersonProfile

SHARES = {Stage.READ: (0.0, 0.3), Stage.INSTANT: (0.3, 0.35), Stage.TRAIN: (0.35, 0.95), Stage.PACK: (0.95, 1.0)}
"""Where each stage begins and ends in the whole of an enrolment of 90 s."""

TELL_EVERY_S = 0.2
GRACE_S = 3.0
"""To end by itself once nobody listens any more."""


class FolderKeeper:
    """Keeps avatars as files of a folder, with a number in each name.

    Args:
        folder: where to.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0

    def keep(self, data: bytes, person: PersonProfile | None) -> Kept:
        """See enrolment.job_types.AvatarKeeper."""
        self._count += 1
        path = self._folder / f"avatar-{self._count}.vav"
        path.write_bytes(data)
        if person is not None:
            person.save(path.with_suffix(".profile"))
        return Kept(avatar_id(data), str(path), len(data), None)


class Reporter:
    """Writes the lines.

    Args:
        output: where to.
    """

    def __init__(self, output: TextIO) -> None:
        self._output = output
        self._told_at = -TELL_EVERY_S

    def say(self, **message: object) -> None:
        """One line."""
        self._output.write(json.dumps(message) + "\n")
        self._output.flush()

    def on_progress(self, progress: Progress) -> None:
        """A line about progress; what only moves the bar is left out when a line has just been written."""
        now = time.monotonic()
        if progress.kept is None and not progress.note and now - self._told_at < TELL_EVERY_S:
            return
        self._told_at = now
        begin, end = SHARES.get(progress.stage, (1.0, 1.0))
        self.say(
            stage=progress.doing or progress.stage.value,
            share=begin + (end - begin) * min(max(progress.share, 0.0), 1.0),
            eta_s=progress.left_s,
            psnr_db=progress.psnr_db,
            avatar=Path(progress.kept.place).name if progress.kept is not None else None,
            warning=progress.note or "",
        )


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(prog="client.enrolment_worker")
    parser.add_argument("clip", type=Path)
    parser.add_argument("--budget", type=float, default=90.0)
    arguments = parser.parse_args()
    os.nice(19)
    reporter = Reporter(_take_stdout())
    stopped = threading.Event()
    threading.Thread(target=_watch_stdin, args=(stopped,), daemon=True).start()
    try:
        _enroll(arguments.clip, arguments.budget, reporter, stopped)
    except JobStopped:
        reporter.say(ended=True)
    except (EnrolmentError, AvatarStoreError) as error:
        reporter.say(problem=str(error))
    else:
        reporter.say(ended=True)


def _enroll(clip: Path, budget_s: float, reporter: Reporter, stopped: threading.Event) -> None:
    from enrolment.job import run_enrolment
    from enrolment.metrics.lpips_fetch import lpips_weights_if_possible
    from renderer.head.open_head import load_open_head

    reporter.say(stage=Stage.READ.value, share=0.0)
    lpips = lpips_weights_if_possible(lambda line: reporter.say(stage=Stage.READ.value, share=0.0, warning=line))
    job = EnrolmentJob(
        clip,
        load_open_head(),
        "Mine",
        FolderKeeper(clip.parent),
        clip.parent / "work",
        budget_s=budget_s,
        hold_out=HoldOut.BLOCKS,
        lpips=lpips,
    )
    run_enrolment(job, reporter.on_progress, stopped.is_set)


def _take_stdout() -> TextIO:
    """Standard output for us alone: whatever else writes there writes to standard error from now on."""
    ours = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return ours


def _watch_stdin(stopped: threading.Event) -> None:
    """Whoever started us closes our input when it wants no more, or when it is gone; then there is no time left."""
    while os.read(0, 1024):
        pass
    stopped.set()
    time.sleep(GRACE_S)
    os._exit(1)


if __name__ == "__main__":
    main()
