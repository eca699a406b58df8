from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from codec.face_link import EG0, RANGE
from visavis.bench.lively_face import lively_face
from visavis.bench.simulated_call import CallRecord, simulate
from visavis.bench.transport import Conditions, drifted, figures, freeze_ms, stale_frames
from visavis.commands.bench import app
from visavis.errors import CommandError


@pytest.fixture(scope="module")
def bad_call() -> CallRecord:
    return simulate(Conditions(seconds=20.0).plan())


def of(record: CallRecord) -> dict[str, float]:
    return {figure.name.removeprefix("transport."): figure.value for figure in figures(record)}


def test_a_tenth_lost_and_reordered_is_hardly_seen(bad_call: CallRecord) -> None:
    value = of(bad_call)
    assert value["stale_frames"] == value["drift"] == 0
    assert value["delivered_pct"] > 98
    assert value["freeze_ms"] <= 200
    assert 50 < value["delay_p50_ms"] <= value["delay_p95_ms"] <= value["delay_p99_ms"] < 400
    assert 0 < value["payload_kbps_a"] < value["wire_kbps_a"]
    assert sum(value[f"step_{step}_pct"] for step in range(5)) == pytest.approx(100)


def test_the_same_seed_is_the_same_call(bad_call: CallRecord) -> None:
    assert of(simulate(Conditions(seconds=20.0).plan())) == of(bad_call)
    assert of(simulate(Conditions(seconds=20.0, seed=2).plan())) != of(bad_call)


def test_the_observer_sees_what_links_would_not_say(bad_call: CallRecord) -> None:
    seen, seconds = bad_call.directions[0], bad_call.plan.seconds
    shown = list(seen.shown)
    shown[200] = replace(shown[200], values=shown[150].values)  # it claims to be new
    assert stale_frames(replace(seen, shown=shown)) == 1
    shown = list(seen.shown)
    shown[200] = replace(shown[200], capture_ms=shown[198].capture_ms)
    assert stale_frames(replace(seen, shown=shown)) == 1
    shown = list(seen.shown)
    shown[-5] = replace(shown[-5], values=shown[-5].values + 0.05)
    assert drifted(replace(seen, shown=shown), seconds) == 1
    assert freeze_ms(replace(seen, shown=[*seen.shown[:200], *seen.shown[225:]]), seconds) > 900


def test_profile_eg0_is_measured_alike() -> None:
    value = of(simulate(Conditions(seconds=12.0, profile=EG0).plan()))
    assert value["stale_frames"] == value["drift"] == 0
    assert "step_0_pct" not in value


def test_a_bottleneck_leads_to_a_step_that_fits_and_its_end_back_to_the_first() -> None:
    plan = Conditions(loss=0.0, rate_kbps=12.0, rate_ends_s=40.0, seconds=90.0).plan()
    record = simulate(plan)
    best = max(quality for _, quality in record.directions[0].sent[:5])
    for direction in record.directions:
        steady = [1000 * (each.at + 1) - each.capture_ms for each in direction.shown if 15 < each.at < 40]
        assert np.median(steady) < 450
        assert max(quality for at, quality in direction.sent if 20 < at < 40) > best
        assert direction.sent[-1][1] == best


def test_lively_faces_are_repeatable_and_never_the_same() -> None:
    faces = np.array([lively_face(index).to_vector() for index in range(200)])
    np.testing.assert_array_equal(faces[7], lively_face(7).to_vector())
    assert (np.abs(np.diff(faces, axis=0)).max(axis=1) > 0.01).all()
    assert (lively_face(7, seed=1).to_vector() != faces[7]).any()


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"loss": 1.0}, "--loss"),
        ({"loss": float("nan")}, "--loss"),
        ({"rtt_ms": -1.0}, "--rtt"),
        ({"jitter_ms": 1e6}, "--jitter"),
        ({"duplicated": -0.1}, "--duplicated"),
        ({"rate_kbps": 0.0}, "--rate"),
        ({"rate_ends_s": 5.0}, "--rate-ends"),
        ({"rate_kbps": 9.0, "rate_ends_s": 500.0}, "--rate-ends"),
        ({"seconds": 3.0}, "--seconds"),
    ],
)
def test_wrong_numbers_are_named(wrong: dict[str, float], named: str) -> None:
    with pytest.raises(CommandError, match=f"^{named} "):
        Conditions(**wrong)


def test_the_command_prints_and_writes_its_figures(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    arguments = ["transport", "--seconds", "10", "--profile", RANGE, "--json", str(file)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0
    assert "transport.freeze_ms" in result.output
    names = [figure["name"] for figure in json.loads(file.read_text())["figures"]]
    assert "transport.stale_frames" in names


@pytest.mark.parametrize("arguments", [["--profile", "av1"], ["--loss", "2"], ["--json", "/nowhere/at/all.json"]])
def test_the_command_fails_on_bad_arguments(arguments: list[str]) -> None:
    assert CliRunner().invoke(app, ["transport", *arguments]).exit_code != 0
