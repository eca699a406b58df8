"""Many curves at a time: all points, in order, none twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from visavis.bench.rd.methods import Known, Method, measure_all
from visavis.bench.rd.points import Point
from visavis.bench.rd.quality import Quality
from visavis.errors import CommandError

SETTINGS = ("low", "middle", "high")


def method(name: str, measured: list[str], inputs: bytes = b"pictures", fails_at: str = "") -> Method:
    def points(known: Known) -> Iterator[Point]:
        for rate, setting in enumerate(SETTINGS):
            if setting == fails_at:
                raise CommandError("ffmpeg failed: it does not say why.")
            point = known(setting)
            if point is None:
                measured.append(f"{name} {setting}")
                point = Point(setting, 10.0 + rate, Quality(30.0 + rate, 0.9, 0.1, 50.0), 1.0, 2.0)
            yield point

    return Method(name, name.title(), "live", len(SETTINGS) + 1, [inputs], points)


def test_curves_come_in_order_and_points_are_measured_once(tmp_path: Path):
    measured: list[str] = []
    shares: list[float] = []
    names = ("first", "second", "third")
    curves = measure_all([method(name, measured) for name in names], tmp_path, "clip", shares.append)
    assert [curve.name for curve in curves] == list(names)
    assert [[point.setting for point in curve.points] for curve in curves] == [list(SETTINGS)] * 3
    assert sorted(measured) == sorted(f"{name} {setting}" for name in names for setting in SETTINGS)
    assert max(shares) == 1.0, "points that are not needed count as done"
    assert measure_all([method(name, measured) for name in names], tmp_path, "clip", shares.append) == curves
    assert len(measured) == 9


def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path: Path):
    measured: list[str] = []
    with pytest.raises(CommandError, match="ffmpeg failed"):
        measure_all([method("one", measured, fails_at="high")], tmp_path, "clip", lambda share: None)
    measure_all([method("one", measured)], tmp_path, "clip", lambda share: None)
    assert measured == ["one low", "one middle", "one high"]


def test_other_pictures_have_other_points(tmp_path: Path):
    measured: list[str] = []
    for inputs in (b"pictures", b"others"):
        measure_all([method("one", measured, inputs)], tmp_path, "clip", lambda share: None)
    assert len(measured) == 6
