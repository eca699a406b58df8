"""The recording that the demo renders where npm is absent works as a person at a webcam."""

import os
from pathlib import Path

import numpy as np
from rich.console import Console

from visavis.bench.media import face_motion
from visavis.rendered_sample import render_sample


def test_the_tracker_finds_a_face_that_speaks_and_turns(tmp_path: Path) -> None:
    with open(os.devnull, "w") as nowhere:
        recording = render_sample(tmp_path / "rendered.mp4", Console(file=nowhere), seconds=2.4)
    motion = face_motion(recording)
    assert len(motion.time_s) == 60
    seen = np.isfinite(motion.yaw)
    assert seen.mean() >= 0.9
    assert np.ptp(motion.jaw[seen]) > 0.1
    assert np.ptp(motion.yaw[seen]) > 0.2
    assert np.nanmax(motion.blink) > np.nanmedian(motion.blink) + 0.3
