"""The report says of made-up curves what is true of them."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from visavis.bench.rd.compare import OPERATING, ClipResult, LiveRate, figures
from visavis.bench.rd.mean_curves import best_of_sides, mean_curve, mean_curves
from visavis.bench.rd.points import Curve, Kind, Point
from visavis.bench.rd.quality import Quality
from visavis.bench.rd.report import write_report

STAGES = dict.fromkeys(("uncompressed", "latents", "pruned", "half", "total"), (2 << 20, 1 << 20))


def curve(name: str, kind: Kind, points: dict[str, tuple[float, float]]) -> Curve:
    """Points by setting: rate and PSNR, from which everything else follows."""
    return Curve(
        name,
        f"{name}, drawn",
        kind,
        tuple(
            Point(setting, kbps, Quality(psnr, psnr / 50, 1 / psnr, 2 * psnr), 1.0, 2.0)
            for setting, (kbps, psnr) in points.items()
        ),
    )


def result(clip: str, video_kbps: float) -> ClipResult:
    """Ours has 30 dB; the only codec of calls reaches them at `video_kbps`, the bound at half of that."""
    curves = (
        curve("range_linear", "ours", {"quality 16": (0.5, 26), OPERATING: (1.5, 30)}),
        curve("eg0_linear", "ours", {"50 x 8 bit": (5, 29), "50 x 10 bit": (8, 29)}),
        curve("x265_paper_512", "live", {"51": (video_kbps / 2, 28), "40": (video_kbps, 30), "30": (200, 36)}),
        curve("x265_paper_256", "live", {"51": (video_kbps / 4, 20)}),
        curve("vvenc_512", "bound", {"50": (video_kbps / 2, 30)}),
    )
    sizes = {"linear": 120_000, "paper": 600_000}
    return ClipResult(clip, 4.0, curves, sizes, LiveRate(2.5, 13.0), STAGES)


def test_the_worst_clip_counts():
    found = {figure.name: figure.value for figure in figures([result("a", 20.0), result("b", 50.0)])}
    assert found["rd.lpips_wins_to_kbps"] == pytest.approx(20)
    assert found["rd.b.vmaf_wins_to_kbps"] == pytest.approx(50)
    assert found["rd.our_kbps"] == 1.5
    assert found["rd.our_live_kbps"] == 2.5
    assert found["rd.avatar_kbps_1min"] == pytest.approx(16)


def test_where_no_codec_comes_as_far_the_rate_that_was_measured_counts():
    """Infinity would claim what nobody has looked at."""
    mine = result("a", 20.0)
    poor = curve("x265_paper_512", "live", {"51": (10, 20), "30": (90, 25)})
    found = figures([ClipResult("a", 4.0, (mine.curves[0], poor), {"linear": 1}, None)])
    assert {figure.name: figure.value for figure in found}["rd.psnr_wins_to_kbps"] == 90


def test_means_are_of_the_settings_that_all_clips_have():
    one = curve("x", "live", {"51": (10, 20), "40": (20, 30)})
    other = curve("x", "live", {"51": (30, 22), "30": (90, 35)})
    mean = mean_curve([one, other])
    assert mean is not None
    assert [(point.setting, point.kbps, point.quality.psnr_db) for point in mean.points] == [("51", 20, 21)]
    assert mean_curve([one, curve("x", "live", {"1": (1, 1)})]) is None
    assert [each.name for each in mean_curves([[one, curve("y", "live", {"1": (1, 1)})], [other]])] == ["x"]


def test_a_codec_is_shown_at_the_better_of_its_sizes():
    (both,) = best_of_sides([each for each in result("a", 20.0).curves if each.kind == "live"])
    assert (both.name, len(both.points)) == ("x265_paper", 4)


def test_the_report_stands_in_its_folder(tmp_path: Path):
    results = [result("anna", 20.0), result("bert", 50.0)]
    (tmp_path / "anna-at-15.png").write_bytes(b"")
    target = write_report(tmp_path, results, figures(results), "visavis bench rd --clips CLIPS")
    text = target.read_text("utf-8")
    assert "| anna | 1.50 | 30.00 |" in text
    assert "20 kbit/s (x265_paper_512)" in text
    assert "50 kbit/s (x265_paper_512)" in text
    assert "24.06" in text, "what the paper says"
    assert "| uncompressed | 4.31 | 3.00 | 2.00 | 1.00 |" in text
    assert "(anna-at-15.png)" in text
    pictures = {part.split(")")[0] for part in text.split("](")[1:]}
    assert {name for name in pictures if not (tmp_path / name).exists()} == set()
    for name in pictures - {"anna-at-15.png"}:
        assert ElementTree.parse(tmp_path / name).getroot().tag.endswith("svg")
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "<table>" in page
    assert 'src="wins.svg"' in page
    stored = json.loads((tmp_path / "report.json").read_text())
    assert [clip["clip"] for clip in stored["clips"]] == ["anna", "bert"]


def test_without_pytorch_the_report_says_so(tmp_path: Path):
    alone = result("anna", 20.0)
    alone = ClipResult(alone.clip, alone.seconds, alone.curves, alone.avatar_bytes, None)
    text = write_report(tmp_path, [alone], figures([alone]), "visavis bench rd").read_text("utf-8")
    assert "PyTorch is not installed" in text
    assert "In a live call" not in text
