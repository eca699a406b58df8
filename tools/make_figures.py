"""Makes the figures of docs/how-it-works.md: a recorded person, tracked, coded and drawn.

Usage: `python -m tools.make_figures [FOLDER]` in the repository root; FOLDER is docs/images if not given. The person is
that of the first sample recording (visavis/sample.py). The avatar is made for it, in `--minutes`, or is one that is
there already (`--avatar ME.vav`, with its profile ME.profile beside it, as `visavis enroll` writes them); then
enrolment.png is left out.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from codec.avatar_file import unpack_avatar
from renderer.avatar.avatar_model import AvatarModel
from renderer.head.open_head import load_open_head
from tools.figures.coding import pass_on
from tools.figures.curves import write_parameters
from tools.figures.growth import enroll, write_growth
from tools.figures.network import write_network
from tools.figures.pipeline import write_loop, write_pipeline
from tools.figures.subject import Subject, follow_recording
from tools.figures.views import write_offsets, write_views
from tracker.profile import PersonProfile
from visavis.sample import fetch_recordings

IMAGES = Path(__file__).parents[1] / "docs" / "images"

OnStep = Callable[[str, float], None]


def make_all(folder: Path, minutes: float, avatar: Path | None) -> None:
    """Writes all figures.

    Args:
        folder: where they go.
        minutes: for making the avatar.
        avatar: an avatar file of the person; None: one is made.

    Raises:
        CommandError, EnrolmentError, ProfileError: the recording or a file is missing or of no use.
        OSError: a figure cannot be written.
    """
    clip = fetch_recordings(print)[0]
    with _progress() as on_step:
        subject = _subject(clip, folder, minutes, avatar, on_step)
        on_step("drawing", 0.0)
    coded = pass_on([moment.face for moment in subject.moments])
    write_pipeline(folder / "pipeline.png", subject, coded)
    write_parameters(folder / "parameters.svg", subject, coded)
    write_network(folder / "network.svg", subject)
    write_loop(folder / "closed-loop.png", subject)
    write_offsets(folder / "offsets.png", subject)
    write_views(folder / "views.png", subject)


def _subject(clip: Path, folder: Path, minutes: float, avatar: Path | None, on_step: OnStep) -> Subject:
    """The person with an avatar; where it is made, enrolment.png is written on the way."""
    head = load_open_head()
    if avatar is None:
        enrolled = enroll(clip, head, minutes, on_step, print)
        on_step("drawing the enrolment", 1.0)
        write_growth(folder / "enrolment.png", enrolled, head)
        asset, person = enrolled.asset, enrolled.person
        held_out_s = enrolled.take.time_s[enrolled.take.held_out]
    else:
        asset, person = unpack_avatar(avatar.read_bytes()), PersonProfile.load(avatar.with_suffix(".profile"))
        held_out_s = np.zeros(0)
    return follow_recording(
        clip, AvatarModel(head, asset), person, held_out_s, lambda share: on_step("tracking", share)
    )


@contextmanager
def _progress() -> Iterator[OnStep]:
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=1.0)
        yield lambda doing, share: progress.update(task, description=doing, completed=share)


def main() -> None:
    parser = argparse.ArgumentParser(description="Makes the figures of docs/how-it-works.md.")
    parser.add_argument("folder", nargs="?", type=Path, default=IMAGES)
    parser.add_argument("--minutes", type=float, default=4.0, help="for making the avatar")
    parser.add_argument("--avatar", type=Path, help="an avatar file (.vav) of the person, with its profile beside it")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    make_all(options.folder, options.minutes, options.avatar)


if __name__ == "__main__":
    main()
