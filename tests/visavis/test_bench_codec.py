from __future__ import annotations

import numpy as np
import pytest
from rich.console import Console

from renderer.head.open_head import load_open_head
from tests.support.tracks import talking
from visavis.bench import codec as bench
from visavis.bench.codec import PAPER, figures
from visavis.bench.codec_passes import ROUND_TRIP, Passed, rate_at
from visavis.errors import CommandError

RATE, FACES = 25, 90


@pytest.fixture(scope="module")
def clip() -> bench.Clip:
    shares: list[float] = []
    faces = [talking(index / RATE) for index in range(FACES)]
    measured = bench.measure("drawn", faces, load_open_head(), lambda share, what: shares.append(share))
    assert len(shares) > 10
    assert shares[0] < shares[10]
    return measured


def test_a_ladder_leads_from_good_and_large_to_bad_and_small(clip: bench.Clip) -> None:
    for passed in clip.ranges.values():
        errors = np.array([each.error_px for each in passed])
        assert (errors[4:] > errors[:-4]).all()  # an octave; single steps may fall well or badly
        assert (np.diff([each.kbps for each in passed]) < 0.05).all()
        assert passed[0].error_px < 0.3
    near, far = clip.ranges[1], clip.ranges[ROUND_TRIP]
    assert all(a.kbps < b.kbps for a, b in zip(near, far, strict=True))


def test_more_coefficients_are_more_bits_and_less_error(clip: bench.Clip) -> None:
    assert clip.paper[10, 8].kbps < clip.paper[10, 10].kbps
    assert clip.paper[10, 8].kbps < clip.paper[50, 8].kbps
    assert clip.paper[50, 8].error_px <= clip.paper[10, 8].error_px


def test_figures_compare_where_both_are_equally_far_off(clip: bench.Clip) -> None:
    value = {figure.name: figure.value for figure in figures([clip])}
    for dims, bits in PAPER:
        at = f"at_{dims}x{bits}"
        error = value[f"codec.error_px_{at}"]
        assert value[f"codec.range_kbps_{at}"] == pytest.approx(rate_at(clip.ranges[1], error))
        saving = 100 * (1 - value[f"codec.range_kbps_{at}"] / value[f"codec.eg0_kbps_{at}"])
        assert value[f"codec.range_saving_pct_{at}"] == pytest.approx(saving)
        own = 100 * (1 - value[f"codec.range_own_kbps_{at}"] / value[f"codec.range_late_kbps_{at}"])
        assert value[f"codec.range_own_saving_pct_{at}"] == pytest.approx(own)
    assert value["codec.us_per_frame"] > 0


def test_own_motions_are_measured_where_they_were_not_learned(clip: bench.Clip) -> None:
    assert len(clip.own) == len(clip.late) == len(clip.ranges[1])
    assert clip.own[0].kbps != clip.late[0].kbps != clip.ranges[1][0].kbps


def test_between_two_qualities_rates_are_interpolated() -> None:
    ladder = [Passed(4.0, 0.1, 1.0), Passed(1.0, 0.4, 1.0)]
    assert rate_at(ladder, 0.2) == pytest.approx(2.0)
    assert rate_at(ladder, 0.05) == pytest.approx(4.0)


def test_clips_without_a_face_for_long_are_named(monkeypatch, tmp_path, capsys) -> None:
    monkeypatch.setattr(bench, "tracked_faces", lambda file, head, on_share: [talking(0.0)] * 3)
    with pytest.raises(CommandError, match="no clip"):
        bench.run([tmp_path / "wall.mp4"], Console())
    assert "wall is left out" in capsys.readouterr().out
