"""How close a sequence of pictures is to another one, by the four measures of the report."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from enrolment.metrics.lpips import Lpips
from enrolment.metrics.pixels import psnr_db, ssim
from visavis.bench.rd.ffmpeg import Pictures, raw_input, run
from visavis.errors import CommandError

LPIPS_EVERY = 4
"""LPIPS takes 0.2 s a picture, and neighbors say the same."""
VMAF_MODEL = "version=vmaf_v0.6.1"


@dataclass(frozen=True)
class Quality:
    """Means over pictures.

    Args:
        psnr_db: mean of the decibels of each picture; all its pixels and channels.
        ssim: 0..1.
        lpips: LPIPS-Alex, 0 for equal pictures; of every LPIPS_EVERY-th.
        vmaf: 0..100, Netflix' standard model, as ffmpeg's libvmaf computes it.
    """

    psnr_db: float
    ssim: float
    lpips: float
    vmaf: float


def judge(truth: Pictures, shown: Pictures, rate: int, lpips: Lpips) -> Quality:
    """Compares two sequences.

    Raises:
        CommandError: they are not equally long, or VMAF cannot be computed.
    """
    if truth.shape != shown.shape:
        raise CommandError(f"{len(shown)} pictures came back of {len(truth)}.")
    pairs = list(zip(truth, shown, strict=True))
    return Quality(
        float(np.mean([psnr_db(*pair) for pair in pairs])),
        float(np.mean([ssim(*pair) for pair in pairs[::LPIPS_EVERY]])),
        float(np.mean([lpips(*pair) for pair in pairs[::LPIPS_EVERY]])),
        vmaf(truth, shown, rate),
    )


def vmaf(truth: Pictures, shown: Pictures, rate: int) -> float:
    """Netflix' VMAF, the mean over all pictures, 0..100."""
    with tempfile.TemporaryDirectory() as folder:
        reference, log = Path(folder) / "truth.rgb", Path(folder) / "vmaf.json"
        reference.write_bytes(np.ascontiguousarray(truth).data)
        announced = raw_input(truth, rate)
        threads = os.cpu_count() or 1
        compare = f"[0:v][1:v]libvmaf=model={VMAF_MODEL}:n_threads={threads}:log_fmt=json:log_path={log}"
        run([*announced, *announced[:-1], str(reference), "-lavfi", compare, "-f", "null", "-"], shown)
        return float(json.loads(log.read_text())["pooled_metrics"]["vmaf"]["mean"])
