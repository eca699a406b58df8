"""`visavis bench codec`: bits of each profile of the face stream, and how far off what comes out of it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from codec.frame_coding import QuantizedFrame, decode_delta, decode_key, encode_delta, encode_key
from codec.params import FaceParams
from codec.quantizer import StreamConfig
from codec.range_frame import RangeFrame, decode_frame, encode_frame, predicted
from codec.range_steps import FULL_DIMS, QUALITIES, RangeConfig
from renderer.head.model import HeadModel
from renderer.head.open_head import load_open_head
from renderer.head.pose import pose_vertices
from tracker.landmark_model import head_landmarks
from visavis.bench import wire
from visavis.bench.clip_faces import tracked_faces
from visavis.bench.report import Figure
from visavis.errors import CommandError

RATE = 25
"""Frames a second that rates are given for, whatever the clip has: its own frames are coded."""
PAPER = ((10, 8), (10, 10), (20, 8), (30, 8), (50, 8))
"""Expression coefficients and bits of the columns of the paper's figure 3."""
ROUND_TRIP = 4
"""Frames to the newest acknowledged one: 100 ms there and back, and acknowledgements that wait for a frame."""
ERROR_EVERY = 5
"""Errors are measured in every so many-th frame."""
FACE_PX = 200.0
_LEFT, _RIGHT = 234, 454
"""Landmarks between which a face is as wide as is said."""


class _Coder(Protocol):
    def pass_on(self, face: FaceParams) -> tuple[int, FaceParams]:
        """Bytes of the next frame, and what comes out of them."""
        ...


class _Paper:
    """Profile `eg0`, without loss: each frame as differences to the one before."""

    def __init__(self, dims: int, bits: int) -> None:
        self._config = StreamConfig(dims, bits)
        self._sent: QuantizedFrame | None = None

    def pass_on(self, face: FaceParams) -> tuple[int, FaceParams]:
        frame, before = QuantizedFrame.of(face, self._config), self._sent
        self._sent = frame
        if before is None:
            data = encode_key(frame)
            return len(data), decode_key(data).to_params()
        data = encode_delta(frame, before)
        return len(data), decode_delta(data, before).to_params()


class _Range:
    """Profile `range`: each frame refers to the `distance`-th before it."""

    def __init__(self, quality: int, distance: int) -> None:
        self._quality, self._distance = quality, distance
        self._sent: list[RangeFrame] = []

    def pass_on(self, face: FaceParams) -> tuple[int, FaceParams]:
        far = self._distance if len(self._sent) >= self._distance else 0
        reference = self._sent[-far] if far else None
        config = RangeConfig(FULL_DIMS, self._quality)
        steps = config.steps
        data, _ = encode_frame(config, steps.symbols(face, predicted(config, reference, far)), reference, far)
        frame = decode_frame(config, data, reference, far)
        self._sent = [*self._sent[1 - self._distance :], frame] if self._distance > 1 else [frame]
        return len(data), steps.params(frame.symbols)


@dataclass
class Passed:
    """What a coder made of a clip: payload, root mean square error of landmarks, and time."""

    kbps: float
    error_px: float
    us: float


@dataclass
class Clip:
    """A clip's figures by (dims, bits), and by (distance, quality)."""

    name: str
    paper: dict[tuple[int, int], Passed] = field(default_factory=dict)
    ranges: dict[int, list[Passed]] = field(default_factory=dict)


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
    clip, error = Clip(name), _LandmarkError(head, faces)
    for dims, bits in PAPER:
        clip.paper[dims, bits] = _passed(_Paper(dims, bits), faces, error)
    for distance in (1, ROUND_TRIP):
        passed = []
        for quality in range(QUALITIES):
            on_share(quality / QUALITIES, f"profile range, reference {distance} back")
            passed.append(_passed(_Range(quality, distance), faces, error))
        clip.ranges[distance] = passed
    return clip


def _passed(coder: _Coder, faces: list[FaceParams], error: _LandmarkError) -> Passed:
    sizes, times, received = [], [], []
    for face in faces:
        started = time.perf_counter()
        size, came = coder.pass_on(face)
        times.append(time.perf_counter() - started)
        sizes.append(size)
        received.append(came)
    steady = sizes[ROUND_TRIP:]  # key frames are another matter
    return Passed(8 * RATE * float(np.mean(steady)) / 1000, error.of(received), 1e6 * float(np.median(times)))


class _LandmarkError:
    """Distances of the 478 landmarks of what was sent and what came out, as seen where the face is FACE_PX wide."""

    def __init__(self, head: HeadModel, faces: list[FaceParams]) -> None:
        self._head, self._corners = head, head.faces[head.landmark_faces]
        left, right = head_landmarks(head, np.array([_LEFT, _RIGHT]))
        self._width_m = float(np.linalg.norm(left - right))
        self._truth = [self._points(face, float(face.translation[2])) for face in faces[::ERROR_EVERY]]
        self._depths = [float(face.translation[2]) for face in faces[::ERROR_EVERY]]

    def of(self, received: list[FaceParams]) -> float:
        """Root mean square over landmarks and frames, pixels."""
        squares = [
            ((self._points(face, depth) - truth) ** 2).sum(axis=1).mean()
            for face, depth, truth in zip(received[::ERROR_EVERY], self._depths, self._truth, strict=True)
        ]
        return float(np.sqrt(np.mean(squares)))

    def _points(self, face: FaceParams, depth_m: float) -> NDArray[np.float64]:
        points = self._placed(pose_vertices(self._head, np.zeros_like(self._head.v_template), face))
        return FACE_PX / self._width_m * depth_m * points[:, :2] / points[:, 2:]

    def _placed(self, vertices: NDArray[np.float32]) -> NDArray[np.float64]:
        corners = vertices[self._corners].astype(np.float64)
        return (corners * self._head.landmark_barycentrics[..., None]).sum(axis=1)


def rate_at(passed: Sequence[Passed], error_px: float) -> float:
    """Rate, kbit/s, at which `passed`, from fine to coarse, is as far off; of the end of the ladder beyond it."""
    errors = np.maximum.accumulate(np.log([each.error_px for each in passed]))
    return float(np.exp(np.interp(np.log(error_px), errors, np.log([each.kbps for each in passed]))))


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
        found += [
            Figure(f"codec.error_px_{column}", float(np.mean([each.error_px for each in paper])), "px", "lower"),
            Figure(f"codec.eg0_kbps_{column}", rate, "kbit/s", "lower"),
            Figure(f"codec.range_kbps_{column}", near, "kbit/s", "lower"),
            Figure(f"codec.range_saving_pct_{column}", 100 * (1 - near / rate), "%", "higher"),
            Figure(f"codec.range_far_kbps_{column}", far, "kbit/s", "lower"),
        ]
    times = [each.us for clip in clips for passed in clip.ranges.values() for each in passed]
    paper_times = [each.us for clip in clips for each in clip.paper.values()]
    found.append(Figure("codec.us_per_frame", float(np.mean(times)), "us", "lower"))
    found.append(Figure("codec.eg0_us_per_frame", float(np.mean(paper_times)), "us", "lower"))
    return found


def _show(console: Console, clips: Sequence[Clip]) -> None:
    table = Table(title="kbit/s at 25 frames a second", title_justify="left", box=SIMPLE_HEAD)
    for column in ("clip", "as the paper", "error px", "eg0", "range", "saved", f"range, {ROUND_TRIP} back"):
        table.add_column(column, justify="left" if column == "clip" else "right")
    for clip in clips:
        for (dims, bits), paper in clip.paper.items():
            near, far = (rate_at(clip.ranges[k], paper.error_px) for k in (1, ROUND_TRIP))
            table.add_row(
                clip.name,
                f"{dims} x {bits} bit",
                f"{paper.error_px:.2f}",
                f"{paper.kbps:.2f}",
                f"{near:.2f}",
                f"{100 * (1 - near / paper.kbps):.0f} %",
                f"{far:.2f}",
            )
    console.print(table)
