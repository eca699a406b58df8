"""All curves of a clip: what is coded how, and the points of it, several at a time."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from renderer.head.model import HeadModel
from visavis.bench.rd import faces, video_sweep
from visavis.bench.rd.cache import PointCache
from visavis.bench.rd.points import Curve, Kind, Point
from visavis.bench.rd.quality import Judge
from visavis.bench.rd.scene import Scene
from visavis.bench.rd.video_codecs import VIDEO_CODECS

SIDES = (512, 256)
"""Pixels a side that video is coded at; the second one is scaled up by the receiver."""

Known = Callable[[str], Point | None]


@dataclass(frozen=True)
class Method:
    """One curve to measure.

    Args:
        name, title, kind: of the curve.
        count: the most points it has.
        inputs: what decides its points besides the method itself.
        points: measures them, unless they are known.
    """

    name: str
    title: str
    kind: Kind
    count: int
    inputs: list[bytes]
    points: Callable[[Known], Iterator[Point]]


def face_methods(scene: Scene, head: HeadModel, judge: Judge) -> list[Method]:
    """Both profiles of our streams, drawn with each avatar of the scene."""
    pictures = scene.pictures.tobytes()
    return [
        Method(
            f"{profile}_{worn.name}",
            f"ours: {profile}, avatar {worn.title}",
            "ours",
            len(settings),
            [pictures, worn.data, worn.vectors.tobytes()],
            lambda known, worn=worn, settings=settings: faces.sweep(worn, settings, scene, head, judge, known),
        )
        for profile, settings in (("range", faces.range_settings()), ("eg0", faces.paper_settings()))
        for worn in scene.avatars
    ]


def video_methods(scene: Scene, judge: Judge) -> list[Method]:
    """Every video codec in full size and in half."""
    pictures = scene.pictures.tobytes()
    return [
        Method(
            f"{codec.name}_{side}",
            f"{codec.title}, {side} px",
            "live" if codec.live else "bound",
            len(codec.qualities),
            [pictures],
            lambda known, codec=codec, side=side: video_sweep.sweep(codec, side, judge, known),
        )
        for codec in VIDEO_CODECS
        for side in SIDES
    ]


def measure_all(
    methods: Sequence[Method], cache: Path, clip: str, on_share: Callable[[float], None]
) -> tuple[Curve, ...]:
    """The curves of methods, on as many threads as there are cores. Points are kept as they come.

    Args:
        methods: in the order of the curves.
        cache: folder of what is known, see PointCache.
        clip: name of the clip.
        on_share: told the finished share, from any thread.

    Raises:
        CommandError: a codec fails.
        OSError: points cannot be kept.
    """
    total, done = sum(method.count for method in methods), 0
    lock, stopped = threading.Lock(), threading.Event()

    def advance(count: int) -> None:
        nonlocal done
        with lock:
            done += count
            on_share(done / total)

    def curve(method: Method) -> Curve:
        known = PointCache(cache, clip, method.name, method.inputs)
        points: list[Point] = []
        for point in method.points(known.find):
            known.keep(point)
            points.append(point)
            advance(1)
            if stopped.is_set():
                break
        advance(method.count - len(points))
        return Curve(method.name, method.title, method.kind, tuple(points))

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        try:
            return tuple(pool.map(curve, methods))
        except BaseException:
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
