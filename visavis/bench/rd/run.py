"""`visavis bench rd`: clips, scenes, sweeps, report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from client.errors import MediaError
from enrolment.errors import EnrolmentError
from enrolment.metrics.lpips import Lpips
from enrolment.torch_training import why_no_torch
from renderer.avatar.warm_up import warm_up
from renderer.head.model import HeadModel
from renderer.head.open_head import load_open_head
from tracker.matting import SegmentationNetwork
from visavis.bench import wire
from visavis.bench.rd.compare import ClipResult, LiveRate
from visavis.bench.rd.ffmpeg import ffmpeg
from visavis.bench.rd.methods import face_methods, measure_all, video_methods
from visavis.bench.rd.prepare import Preparation
from visavis.bench.rd.quality import Judge
from visavis.bench.rd.scene import RATE, Scene, load_scene, save_scene
from visavis.errors import CommandError
from visavis.lpips_weights import fetch_lpips_weights
from visavis.matting_model import fetch_matting_model
from visavis.stage_progress import OnStep, of_clip, stage_progress

BUDGET_S = 240.0


@dataclass(frozen=True)
class RdBench:
    """What to compare.

    Args:
        clips: recordings of one person each.
        out: folder of the report; `cache` in it holds what an interrupted run goes on from.
        budget_s: seconds for each avatar.
        wire: whether to hold a call with the faces of each clip, which takes 23 s.
    """

    clips: Sequence[Path]
    out: Path
    budget_s: float = BUDGET_S
    wire: bool = True

    @property
    def cache(self) -> Path:
        """What was measured so far."""
        return self.out / "cache"


def run(bench: RdBench) -> tuple[list[ClipResult], list[Scene]]:
    """Measures; progress goes to the standard error stream. A clip that is of no use is named and left out.

    Raises:
        CommandError: something that is needed is missing, or no clip is of use.
    """
    beside = Console(stderr=True, markup=False, highlight=False)

    def say(line: str) -> None:
        beside.print(line, soft_wrap=True)

    ffmpeg()
    try:
        bench.cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(f"{bench.out} cannot be made: {error.strerror}.") from error
    weights = fetch_lpips_weights(say)
    head, lpips = load_open_head(), Lpips(weights)
    preparation = Preparation(head, bench.budget_s, SegmentationNetwork(fetch_matting_model(say)), weights)
    missing = why_no_torch()
    if missing is not None:
        say(f"Profile paper is left out: it trains with {missing}.")
    results: list[ClipResult] = []
    scenes: list[Scene] = []
    with stage_progress("rd") as on_step:
        on_step("compiling", 0.0)
        warm_up(lambda step, share: on_step(f"compiling {step}", share))
        for clip in bench.clips:
            on_clip = of_clip(on_step, clip)
            try:
                scene = _scene(bench, clip, preparation, on_clip)
                results.append(_measured(bench, scene, head, lpips, on_clip))
                scenes.append(scene)
            except (EnrolmentError, MediaError, CommandError) as error:
                say(f"{clip.name} is left out: {error}")
    if not results:
        raise CommandError("There was no clip to compare on.")
    return results, scenes


def _scene(bench: RdBench, clip: Path, preparation: Preparation, on_step: OnStep) -> Scene:
    profiles = "linear" if why_no_torch() else "linear-paper"
    path = bench.cache / f"{clip.stem}-{clip.stat().st_size}-{bench.budget_s:g}s-{profiles}.npz"
    scene = load_scene(path)
    if scene is None:
        scene = preparation.scene(clip, on_step)
        save_scene(scene, path)
    return scene


def _measured(bench: RdBench, scene: Scene, head: HeadModel, lpips: Lpips, on_step: OnStep) -> ClipResult:
    judge = Judge(scene.pictures, RATE, lpips)
    methods = [*face_methods(scene, head, judge), *video_methods(scene, judge)]
    curves = measure_all(methods, bench.cache, scene.name, lambda share: on_step("coding", share))
    sizes = {worn.name: len(worn.data) for worn in scene.avatars}
    linear = scene.avatar("linear")
    live = None
    if bench.wire and linear is not None:
        on_step("holding a call", 0.0)
        used = wire.measure(linear.faces(), head)
        live = LiveRate(used.payload_kbps_pair / 2, used.kbps_pair / 2)
    return ClipResult(scene.name, len(scene.pictures) / RATE, curves, sizes, live, scene.stages)
