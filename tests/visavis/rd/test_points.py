"""Curves of rate and distortion, and what is read off them."""

import math

import pytest

from visavis.bench.rd.points import Curve, Point, bjontegaard_rate, crossing_kbps, frontier
from visavis.bench.rd.quality import Quality


def point(kbps: float, psnr_db: float, lpips: float = 0.1) -> Point:
    return Point(f"{kbps}", kbps, Quality(psnr_db, 0.9, lpips, 50.0), 1.0, 1.0)


def curve(*points: Point) -> Curve:
    return Curve("some", "Some", "live", points)


def test_points_that_cost_more_for_less_are_left_out():
    points = [point(10, 30), point(20, 29), point(5, 25), point(40, 35)]
    assert [each.kbps for each in frontier(points, "psnr_db")] == [5, 10, 40]


def test_less_lpips_is_better():
    points = [point(10, 30, 0.2), point(20, 30, 0.3), point(40, 30, 0.1)]
    assert [each.kbps for each in frontier(points, "lpips")] == [10, 40]


def test_video_wins_from_where_its_curve_reaches_ours():
    video = curve(point(10, 26), point(40, 32))
    assert crossing_kbps(29, video, "psnr_db") == pytest.approx(20)
    assert crossing_kbps(26, video, "psnr_db") == 10
    assert crossing_kbps(20, video, "psnr_db") == 10
    assert crossing_kbps(32.1, video, "psnr_db") == math.inf


def test_half_the_rate_at_every_quality_is_minus_fifty_percent():
    anchor = curve(*(point(rate, 20 + 5 * math.log2(rate)) for rate in (8, 16, 32, 64)))
    half = curve(*(point(rate / 2, 20 + 5 * math.log2(rate)) for rate in (8, 16, 32, 64)))
    assert bjontegaard_rate(anchor, half, "psnr_db") == pytest.approx(-50)
    assert bjontegaard_rate(half, anchor, "psnr_db") == pytest.approx(100)


def test_curves_without_a_common_quality_are_not_compared():
    assert bjontegaard_rate(curve(point(1, 20), point(2, 22)), curve(point(1, 30), point(2, 32)), "psnr_db") is None
