"""How close a sequence of pictures is to another one, by the four measures of the report."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from enrolment.metrics.lpips import Lpips
from enrolment.metrics.pixels import psnr_db, ssim
from visavis.bench.rd.ffmpeg import Pictures, raw_input, run
from visavis.errors import CommandError

MOST_LOOKED_AT = 20
"""Pictures for LPIPS and SSIM, evenly spread: they take 0.2 s each, and neighbors say the same."""
VMAF_MODEL = "version=vmaf_v0.6.1"


@dataclass(frozen=True)
class Quality:
    """Means over pictures.

    Args:
        psnr_db: mean of the decibels of each picture; all its pixels and channels.
        ssim: 0..1, of `Judge.looked_at`.
        lpips: LPIPS-Alex, 0 for equal pictures; of the same.
        vmaf: 0..100, Netflix' standard model, as ffmpeg's libvmaf computes it.
    """

    psnr_db: float
    ssim: float
    lpips: float
    vmaf: float


class Judge:
    """Compares what methods show with what was filmed; may be asked from several threads.

    Args:
        truth: [T, S, S, 3] what was filmed.
        rate: pictures a second.
        lpips: the measure.
    """

    def __init__(self, truth: Pictures, rate: int, lpips: Lpips) -> None:
        self.truth, self.rate = truth, rate
        self._lpips = lpips
        count = min(MOST_LOOKED_AT, len(truth))
        self.looked_at: NDArray[np.intp] = np.linspace(0, len(truth) - 1, count).round().astype(np.intp)
        """[<= MOST_LOOKED_AT] indices of the pictures that SSIM and LPIPS are taken of."""

    @cached_property
    def _features(self) -> list[list[NDArray[np.float32]]]:
        return [self._lpips.features(self.truth[index]) for index in self.looked_at]

    def __call__(self, shown: Pictures) -> Quality:
        """The quality of [T, S, S, 3] pictures.

        Raises:
            CommandError: they are not as many, or VMAF cannot be computed.
        """
        if self.truth.shape != shown.shape:
            raise CommandError(f"{len(shown)} pictures came back of {len(self.truth)}.")
        distances = [
            self._lpips.distance(features, self._lpips.features(shown[index]))
            for index, features in zip(self.looked_at, self._features, strict=True)
        ]
        return Quality(
            float(np.mean([psnr_db(*pair) for pair in zip(self.truth, shown, strict=True)])),
            float(np.mean([ssim(self.truth[index], shown[index]) for index in self.looked_at])),
            float(np.mean(distances)),
            vmaf(self.truth, shown, self.rate),
        )


def vmaf(truth: Pictures, shown: Pictures, rate: int) -> float:
    """Netflix' VMAF, the mean over all pictures, 0..100."""
    with tempfile.TemporaryDirectory() as folder:
        reference, log = Path(folder) / "truth.rgb", Path(folder) / "vmaf.json"
        reference.write_bytes(np.ascontiguousarray(truth).data)
        announced = raw_input(truth, rate)
        compare = f"[0:v][1:v]libvmaf=model={VMAF_MODEL}:n_threads=1:log_fmt=json:log_path={log}"
        run([*announced, *announced[:-1], str(reference), "-lavfi", compare, "-f", "null", "-"], shown)
        return float(json.loads(log.read_text())["pooled_metrics"]["vmaf"]["mean"])
