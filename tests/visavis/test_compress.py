"""`visavis compress`, and avatars of profile `paper` in `visavis bench blob`."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import util
from io import StringIO
from pathlib import Path

import pytest
from click.testing import Result
from rich.console import Console
from typer.testing import CliRunner

from codec.avatar_file import pack_avatar
from codec.paper_avatar import PaperAvatar
from codec.paper_file import pack_paper_avatar, unpack_paper_avatar
from enrolment.paper_stages import PUBLISHED_MIB, Compression, Stage
from enrolment.take_file import save_take
from renderer.head.open_head import load_open_head
from tests.support.drawn_takes import drawn_person, drawn_take
from visavis.__main__ import app
from visavis.bench import blob_paper
from visavis.bench.synthetic_paper import synthetic_paper_avatar
from visavis.compress_paper import TRAINED_ON, Measured, Score, remarks, score, table
from visavis.errors import CommandError


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def small() -> PaperAvatar:
    return synthetic_paper_avatar(load_open_head(), 300)


@pytest.fixture
def ada(tmp_path: Path, small: PaperAvatar) -> Path:
    path = tmp_path / "ada.vap"
    path.write_bytes(pack_paper_avatar(small))
    return path


def measured_of(avatar: PaperAvatar, scores: dict[str, float | None], scale: float = 1.0) -> Measured:
    stages = tuple(
        Stage(name, round(scale * mib * 2**20) - 400_000, 400_000, avatar) for name, mib in PUBLISHED_MIB.items()
    )
    compression = Compression(stages, bytes(620_000), avatar if TRAINED_ON in scores else None)
    return Measured(compression, {name: Score(value, 40.0) for name, value in scores.items()})


SCORES: dict[str, float | None] = {
    "uncompressed": 30.0,
    "latents": 29.95,
    "pruned": 29.9,
    "half": 29.9,
    "total": 29.88,
    TRAINED_ON: 30.02,
}


def test_losses_are_against_the_better_uncompressed_avatar(small: PaperAvatar) -> None:
    found = measured_of(small, SCORES)
    assert found.loss_db("total") == pytest.approx(0.14)
    assert measured_of(small, {**SCORES, TRAINED_ON: 29.0}).loss_db("total") == pytest.approx(0.12)
    assert measured_of(small, dict.fromkeys(PUBLISHED_MIB)).loss_db("total") is None


def test_the_table_has_a_row_for_each_stage(small: PaperAvatar) -> None:
    console = Console(width=100, record=True, file=StringIO())
    console.print(table(measured_of(small, SCORES, 1.05)))
    lines = console.export_text().splitlines()
    assert [line for line in lines if "0.59" in line and "+5.0 %" in line and "+0.14" in line]
    assert sum("+5.0 %" in line for line in lines) == 5
    assert [line for line in lines if "trained on" in line and "30.02" in line]


def test_what_is_counted_is_said(small: PaperAvatar) -> None:
    said = " ".join(remarks(measured_of(small, SCORES), None))
    assert "whole file takes 0.591 MiB" in said
    assert "made-up faces" in said


def test_means_over_avatars_are_those_of_what_all_have(small: PaperAvatar) -> None:
    one, other = measured_of(small, SCORES), measured_of(small, dict.fromkeys(PUBLISHED_MIB), 1.1)
    found = [*blob_paper.figures("blob.a.paper_", one), *blob_paper.figures("blob.b.paper_", other)]
    means = {figure.name: figure.value for figure in blob_paper._means(found, 2)}
    assert means["blob.paper_total_mib"] == pytest.approx(0.59 * 1.05, rel=1e-3)
    assert "blob.paper_loss_db" not in means
    both = [*blob_paper.figures("blob.a.paper_", one), *blob_paper.figures("blob.b.paper_", one)]
    means = {figure.name: figure.value for figure in blob_paper._means(both, 2)}
    assert means["blob.paper_loss_db"] == pytest.approx(0.14)
    assert means["blob.paper_loss_as_given_db"] == pytest.approx(0.12)


def test_the_benchmark_takes_avatars_of_profile_paper(
    ada: Path, tmp_path: Path, small: PaperAvatar, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds: list[float] = []

    def compress(model: object, take: object, budget_s: float, tell: object) -> Measured:
        seconds.append(budget_s)
        assert take is None
        return measured_of(small, SCORES)

    monkeypatch.setattr(blob_paper, "compress", compress)
    out = tmp_path / "blob.json"
    result = run("bench", "blob", ada, ada, "--minutes", 2, "--json", out)
    assert result.exit_code == 0, result.output
    assert seconds == [120, 120]
    found = {figure["name"]: figure["value"] for figure in json.loads(out.read_text())["figures"]}
    assert found["blob.paper_total_mib"] == pytest.approx(0.59, rel=1e-3)
    assert found["blob.ada.paper_loss_db"] == pytest.approx(0.14)


def test_avatars_are_scored_by_held_out_pictures(small: PaperAvatar) -> None:
    head, take = load_open_head(), drawn_take(20)
    told: list[float] = []
    avatars = {"uncompressed": small, "other": replace(small, sh0=small.sh0 + 0.3)}
    found = score(avatars, head, take, lambda doing, share: told.append(share))
    assert told[-1] == 1
    assert found["uncompressed"].alike_db == 100
    assert 10 < found["other"].alike_db < 60
    assert found["uncompressed"].held_out_db != found["other"].held_out_db
    without = score(avatars, head, None, lambda doing, share: None)
    assert without["other"].held_out_db is None
    assert 10 < without["other"].alike_db < 60


def test_torch_is_asked_for_with_what_installs_it(ada: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = util.find_spec
    monkeypatch.setattr(util, "find_spec", lambda name, *more: None if name == "torch" else found(name, *more))
    result = run("compress", ada, "--table")
    assert isinstance(result.exception, CommandError)
    assert "pip install -e '.[train]'" in str(result.exception)


def test_what_cannot_be_done_is_said(ada: Path, tmp_path: Path) -> None:
    linear = tmp_path / "linear.vav"
    linear.write_bytes(pack_avatar(drawn_person()))
    broken = tmp_path / "broken.vap"
    broken.write_bytes(ada.read_bytes()[:-7])
    cases = {
        "profile linear": ("compress", linear),
        "no avatar that can be read": ("compress", broken),
        "There is no avatar": ("compress", tmp_path / "nobody.vap"),
        "--minutes takes": ("compress", ada, "--minutes", 0),
        "There is no directory": ("compress", ada, "-o", tmp_path / "none" / "x.vap"),
        "overwritten": ("compress", ada, "-o", ada),
        "Cannot read the take": ("compress", ada, "--take", tmp_path / "none.npz"),
        "one --take for each": ("bench", "blob", ada, ada, "--take", tmp_path / "none.npz"),
    }
    for words, arguments in cases.items():
        result = run(*arguments)
        assert isinstance(result.exception, CommandError), (words, result.output)
        assert words in str(result.exception)


def test_takes_of_other_heads_and_without_held_out_pictures_are_refused(ada: Path, tmp_path: Path) -> None:
    for changed, words in (
        (replace(drawn_take(20), head_model_id="0" * 64), "another head model"),
        (replace(drawn_take(20), held_out=drawn_take(20).held_out & False), "held-out"),
    ):
        save_take(changed, tmp_path / "take.npz")
        result = run("compress", ada, "--take", tmp_path / "take.npz")
        assert isinstance(result.exception, CommandError)
        assert words in str(result.exception)


def test_an_avatar_is_compressed_with_its_take(ada: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="needs PyTorch: pip install 'visavis[train]'")
    save_take(drawn_take(10), tmp_path / "take.npz")
    out, figures = tmp_path / "small.vap", tmp_path / "small.json"
    result = run(
        *("compress", ada, "--profile", "paper", "--table", "--take", tmp_path / "take.npz", "--minutes", 0.02),
        *("-o", out, "--json", figures),
    )
    assert result.exit_code == 0, result.output
    assert "+ coding" in result.output
    assert len(unpack_paper_avatar(out.read_bytes()).layers) == 5
    found = {figure["name"]: figure["value"] for figure in json.loads(figures.read_text())["figures"]}
    assert found["blob.paper_file_mib"] == pytest.approx(out.stat().st_size / 2**20)
    assert {"blob.paper_loss_db", "blob.paper_total_mib", "blob.paper_latents_mib"} < set(found)
    again = run("compress", out, "--minutes", 0.02)
    assert isinstance(again.exception, CommandError)
    assert "network of its own" in str(again.exception)
