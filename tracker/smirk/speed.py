"""Measures SMIRK's networks on this machine: python -m tracker.smirk.speed [FILE.pt]; random weights without a file."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from tracker.smirk.checkpoint import load_encoder
from tracker.smirk.crop import Box, crop_face
from tracker.smirk.export import export_frame, export_shape
from tracker.smirk.network import SmirkEncoder
from tracker.smirk.session import FRAME_OUTPUTS, SHAPE_OUTPUTS, Session

_WARM_UP, _RUNS = 20, 200


def main() -> None:
    """Prints the size and the time of every step, one thread each."""
    cv2.setNumThreads(1)
    encoder = load_encoder(Path(sys.argv[1])) if len(sys.argv) > 1 else SmirkEncoder().eval()
    started = time.perf_counter()
    frame, shape = export_frame(encoder), export_shape(encoder)
    print(f"converting and comparing both networks: {time.perf_counter() - started:.1f} s")
    picture = np.random.default_rng(0).integers(0, 255, (720, 1280, 3), np.uint8)
    box = Box(np.array([640.0, 360.0]), 420.0)
    crop = crop_face(picture, box)
    on_frame, on_shape = Session(frame, FRAME_OUTPUTS), Session(shape, SHAPE_OUTPUTS)
    _report("crop of 420 px from 1280x720", lambda: crop_face(picture, box))
    _report(f"pose and expression ({len(frame) / 1e6:.1f} MB)", lambda: on_frame(crop))
    _report(f"shape, for calibration only ({len(shape) / 1e6:.1f} MB)", lambda: on_shape(crop))


def _report(what: str, run: Callable[[], object]) -> None:
    times = []
    for index in range(_WARM_UP + _RUNS):
        started = time.thread_time()
        run()
        if index >= _WARM_UP:
            times.append((time.thread_time() - started) * 1e3)
    print(f"{what}: {np.median(times):.2f} ms (95 %: {np.percentile(times, 95):.2f})")


if __name__ == "__main__":
    main()
