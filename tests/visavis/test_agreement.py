"""The yardstick of the end-to-end tests measures what it says."""

import numpy as np

from visavis.bench.agreement import blink_times, compare
from visavis.bench.media import FaceMotion


def motion(seconds: float, seed: int) -> FaceMotion:
    rng = np.random.default_rng(seed)
    time = np.arange(0, seconds, 0.04)
    smooth = np.convolve(rng.normal(size=(len(time))), np.hanning(25), "same")
    blink = np.full(len(time), 0.1)
    for start in np.arange(2.0, seconds - 1, 3.0):
        blink[(time >= start) & (time < start + 0.16)] = 0.8
    return FaceMotion(
        time, smooth * 0.05, np.abs(np.convolve(rng.normal(size=len(time)), np.hanning(15), "same")), blink
    )


def excerpt(whole: FaceMotion, start: int, stop: int) -> FaceMotion:
    time = whole.time_s[start:stop] - whole.time_s[start]
    return FaceMotion(time, whole.yaw[start:stop], whole.jaw[start:stop], whole.blink[start:stop])


def test_finds_the_shift_and_full_correlation_of_an_excerpt() -> None:
    source = motion(30, 1)
    found = compare(source, excerpt(source, 200, 500))
    assert abs(found.shift_s - 8.0) < 0.05
    assert found.jaw_correlation > 0.99
    assert found.yaw_correlation > 0.99
    assert found.blinks_seen == found.blinks_source > 2


def test_finds_an_excerpt_that_runs_over_the_loop() -> None:
    source = motion(20, 2)
    doubled = FaceMotion(
        np.arange(2 * len(source.time_s)) * 0.04,
        np.tile(source.yaw, 2),
        np.tile(source.jaw, 2),
        np.tile(source.blink, 2),
    )
    assert compare(source, excerpt(doubled, 400, 650)).yaw_correlation > 0.99


def test_another_face_does_not_pass() -> None:
    found = compare(motion(30, 1), excerpt(motion(30, 7), 0, 500))
    assert found.yaw_correlation < 0.8
    assert found.jaw_correlation < 0.8


def test_eyes_that_never_close_show_no_blinks() -> None:
    source = motion(30, 1)
    still = FaceMotion(source.time_s, source.yaw, source.jaw, np.full(len(source.time_s), 0.1))
    assert len(blink_times(still)) == 0
    assert compare(source, still, loops=False).blinks_seen == 0


def test_gaps_are_filled() -> None:
    source = motion(10, 3)
    source.yaw[40:44] = np.nan
    assert np.isfinite(source.resampled(25.0).yaw).all()
