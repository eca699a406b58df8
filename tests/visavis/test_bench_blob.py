"""The measurement of avatar files, on made-up persons."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from codec.avatar_file import pack_avatar
from enrolment.take_file import save_take
from renderer.head.open_head import load_open_head
from tests.support.drawn_takes import drawn_person, drawn_take
from visavis.bench import blob as bench
from visavis.bench.report import Figure
from visavis.commands.bench import app
from visavis.errors import CommandError
from visavis.recorded_take import load_recording


@pytest.fixture
def ada(tmp_path: Path) -> Path:
    path = tmp_path / "ada.vav"
    path.write_bytes(pack_avatar(drawn_person()))
    return path


def test_the_command_measures_a_file_with_its_take(ada: Path, tmp_path: Path) -> None:
    save_take(drawn_take(20), tmp_path / "take.npz")
    out = tmp_path / "blob.json"
    arguments = ["blob", str(ada), "--take", str(tmp_path / "take.npz"), "--json", str(out)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    found = {
        figure["name"].removeprefix("blob.ada."): figure["value"] for figure in json.loads(out.read_text())["figures"]
    }
    assert found["kb"] < found["before_kb"] / 2
    sections = ("HEAD", "STEP", "SHAP", "GAU0", "GAU1", "GRUV", "BASE")
    assert sum(found[f"{tag}_kb"] for tag in sections) == pytest.approx(found["kb"] - 0.092)
    assert found["bits_per_gaussian"] == pytest.approx(8000 * found["kb"] / found["gaussians"])
    assert found["first_kb"] < found["kb"] / 2
    assert found["first_psnr_db"] < found["front_psnr_db"]
    assert found["open_loss_db"] > 0  # of pictures that the avatar itself drew


def test_a_small_file_is_compared_with_a_large_one_as_it_is(ada: Path, tmp_path: Path) -> None:
    save_take(drawn_take(20), tmp_path / "take.npz")
    small = tmp_path / "small.vav"
    faint = replace(drawn_person(), logit_opacities=drawn_person().logit_opacities - np.float32(5))
    small.write_bytes(pack_avatar(faint))
    out = tmp_path / "blob.json"
    options = ["--take", str(tmp_path / "take.npz"), "--before", str(ada), "--json", str(out)]
    result = CliRunner().invoke(app, ["blob", str(small), *options])
    assert result.exit_code == 0, result.output
    found = {figure["name"]: figure["value"] for figure in json.loads(out.read_text())["figures"]}
    assert found["blob.small.before_kb"] == ada.stat().st_size / 1000
    assert found["blob.linear_kb"] == found["blob.small.kb"] == small.stat().st_size / 1000
    before, after = (found[f"blob.small.closed_psnr_{when}_db"] for when in ("before", "after"))
    assert found["blob.linear_loss_db"] == pytest.approx(before - after)
    assert found["blob.linear_loss_db"] > 1
    assert found["blob.small.closed_ssim_before"] > found["blob.small.closed_ssim_after"]


def test_means_are_over_the_avatars_that_have_the_figure() -> None:
    values = {"a.kb": 100.0, "b.kb": 140.0, "a.SHAP_kb": 7.0}
    figures = [Figure(f"blob.{name}", value, "kB", "lower") for name, value in values.items()]
    assert [(mean.name, mean.value) for mean in bench.means(figures)] == [("blob.linear_kb", 120)]


def test_every_guest_is_a_subject() -> None:
    assert {subject.name for subject in bench.guests()} >= {"ada"}


def test_what_cannot_be_measured_is_said(ada: Path, tmp_path: Path) -> None:
    head = load_open_head()
    with pytest.raises(CommandError, match="cannot be read"):
        bench.read_subject(tmp_path / "nobody.vav")
    with pytest.raises(CommandError, match="not an avatar file"):
        list(bench.measure(bench.Subject("paper", b"%PDF-1.4 ..."), head))
    with pytest.raises(CommandError, match="take"):
        load_recording(ada.with_name("none.npz"), head)
    for option in ("--take", "--before"):
        result = CliRunner().invoke(app, ["blob", option, str(ada)])
        assert isinstance(result.exception, CommandError)
        assert option in str(result.exception)
