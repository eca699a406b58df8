"""`visavis bench codec`: bits of each profile of the face stream, and how far off what comes out of it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from codec.motion_table import STANDARD
from codec.params import FaceParams
from codec.range_steps import QUALITIES
from enrolment.motion_fit import fit_basis
from renderer.head.model import HeadModel
from renderer.head.open_head import load_open_head
from tracker.face_pixels import FacePixels
from visavis.bench import wire
from visavis.bench.clip_faces import tracked_faces
from visavis.bench.codec_passes import (
    RATE,
    ROUND_TRIP,
    LandmarkError,
    PaperCoder,
    Passed,
    RangeCoder,
    pass_through,
    rate_at,
)
from visavis.bench.report import Figure
from visavis.errors import CommandError

PAPER = ((10, 8), (10, 10), (20, 8), (30, 8), (50, 8))
"""Expression coefficients and bits of the columns of the paper's figure 3."""
TITLE = "kbit/s at 25 frames a second; late: in the last part of the clip; own: with the person's own motions"
LEARNED = 0.6
"""Of a clip: what a person's own motions are fitted to; they are measured in the rest."""


@dataclass
class Clip:
    """A clip's figures by (dims, bits), and by (distance, quality).

    Args:
        name: of the clip.
        paper: profile `eg0`.
        ranges: profile `range` with the standard motions.
        late, own: with the standard ones and with the person's own, in the part that those are not fitted to.
    """

    name: str
    paper: dict[tuple[int, int], Passed] = field(default_factory=dict)
    ranges: dict[int, list[Passed]] = field(default_factory=dict)
    late: list[Passed] = field(default_factory=list)
    own: list[Passed] = field(default_factory=list)


def run(files: Sequence[Path], console: Console) -> list[Figure]:
    """Tracks the clips, passes the faces through each profile and returns the figures `codec.*`, means over the clips.

    Those of the first clip that will do then go back and forth over real sockets.

    Raises:
        CommandError: no clip shows a face for long enough, or this machine's loopback interface fails.
    """
    head = load_open_head()
    clips: list[Clip] = []
    first: list[FaceParams] = []
    with Progress(console=console, transient=True) as progress:
        for file in files:
            name = file.stem
            task = progress.add_task(f"{name}: tracking", total=1.0)

            def on_share(share: float, what: str = "tracking", task=task, name=name) -> None:
                progress.update(task, completed=share, description=f"{name}: {what}")

            faces = tracked_faces(file, head, on_share)
            if len(faces) < 2 * RATE:
                console.print(f"{name} is left out: a face is seen in {len(faces)} pictures.")
                continue
            first = first or faces
            clips.append(measure(name, faces, head, on_share))
            progress.remove_task(task)
        if not clips:
            raise CommandError("There is no clip with two seconds of a face.")
        task = progress.add_task("two clients send faces to each other", total=1.0)
        wired = wire.run(first, head, lambda share: progress.update(task, completed=share))
    _show(console, clips)
    return [*figures(clips), *wired]


def measure(name: str, faces: list[FaceParams], head: HeadModel, on_share: Callable[[float, str], None]) -> Clip:
    """Passes a clip's faces through every profile.

    Args:
        name: of the clip.
        faces: of its pictures in order.
        head: the head model that they drive.
        on_share: told the finished share, and what is being done.
    """
    pixels = FacePixels(head)
    clip, error = Clip(name), LandmarkError(pixels, faces)
    for dims, bits in PAPER:
        clip.paper[dims, bits] = pass_through(PaperCoder(dims, bits), faces, error)
    for distance in (1, ROUND_TRIP):
        passed = []
        for quality in range(QUALITIES):
            on_share(quality / QUALITIES, f"profile range, reference {distance} back")
            passed.append(pass_through(RangeCoder(quality, distance), faces, error))
        clip.ranges[distance] = passed
    learned = int(LEARNED * len(faces))
    basis = fit_basis([np.stack([face.to_vector() for face in faces[:learned]])], head, None, STANDARD)
    error = LandmarkError(pixels, faces[learned:])
    for quality in range(QUALITIES):
        on_share(quality / QUALITIES, "profile range, own motions")
        clip.late.append(pass_through(RangeCoder(quality, 1), faces[learned:], error))
        clip.own.append(pass_through(RangeCoder(quality, 1, basis), faces[learned:], error))
    return clip


def figures(clips: Sequence[Clip]) -> list[Figure]:
    """Means over the clips: rate and error of each column of the paper, and the rates of `range` at the same error."""
    found: list[Figure] = []
    for dims, bits in PAPER:
        column = f"at_{dims}x{bits}"
        paper = [clip.paper[dims, bits] for clip in clips]
        near, far = (
            float(np.mean([rate_at(clip.ranges[k], clip.paper[dims, bits].error_px) for clip in clips]))
            for k in (1, ROUND_TRIP)
        )
        rate = float(np.mean([each.kbps for each in paper]))
        late, own = (
            float(np.mean([rate_at(passed, clip.paper[dims, bits].error_px) for clip, passed in parts]))
            for parts in ([(clip, clip.late) for clip in clips], [(clip, clip.own) for clip in clips])
        )
        found += [
            Figure(f"codec.error_px_{column}", float(np.mean([each.error_px for each in paper])), "px", "lower"),
            Figure(f"codec.eg0_kbps_{column}", rate, "kbit/s", "lower"),
            Figure(f"codec.range_kbps_{column}", near, "kbit/s", "lower"),
            Figure(f"codec.range_saving_pct_{column}", 100 * (1 - near / rate), "%", "higher"),
            Figure(f"codec.range_far_kbps_{column}", far, "kbit/s", "lower"),
            Figure(f"codec.range_late_kbps_{column}", late, "kbit/s", "lower"),
            Figure(f"codec.range_own_kbps_{column}", own, "kbit/s", "lower"),
            Figure(f"codec.range_own_saving_pct_{column}", 100 * (1 - own / late), "%", "higher"),
        ]
    times = [each.us for clip in clips for passed in clip.ranges.values() for each in passed]
    paper_times = [each.us for clip in clips for each in clip.paper.values()]
    found.append(Figure("codec.us_per_frame", float(np.mean(times)), "us", "lower"))
    found.append(Figure("codec.eg0_us_per_frame", float(np.mean(paper_times)), "us", "lower"))
    return found


def _show(console: Console, clips: Sequence[Clip]) -> None:
    table = Table(title=TITLE, title_justify="left", box=SIMPLE_HEAD)
    columns = ("clip", "as the paper", "error px", "eg0", "range", "saved", f"range, {ROUND_TRIP} back")
    for column in (*columns, "late", "late, own"):
        table.add_column(column, justify="left" if column == "clip" else "right")
    for clip in clips:
        for (dims, bits), paper in clip.paper.items():
            near, far = (rate_at(clip.ranges[k], paper.error_px) for k in (1, ROUND_TRIP))
            table.add_row(
                clip.name,
                f"{dims} x {bits}",
                f"{paper.error_px:.2f}",
                f"{paper.kbps:.2f}",
                f"{near:.2f}",
                f"{100 * (1 - near / paper.kbps):.0f} %",
                f"{far:.2f}",
                f"{rate_at(clip.late, paper.error_px):.2f}",
                f"{rate_at(clip.own, paper.error_px):.2f}",
            )
    console.print(table)
