"""Enrolment from reading to report, with made-up parts: what it keeps, tells and survives."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from codec.avatar_file import avatar_id, pack_avatar, unpack_avatar
from enrolment import checkpoint, job_parts
from enrolment.evaluate import truth
from enrolment.follow import Followed
from enrolment.job import PACK_S, TRAINING_SHARE, run_enrolment, split_budget
from enrolment.job_codec import Snapshot
from enrolment.job_standard_parts import standard_parts
from enrolment.job_types import JobError, JobStopped, Profile, Progress
from enrolment.job_types import Stage as JobStage
from enrolment.job_work import ABANDONED_S, open_work, work_key
from renderer.head.open_head import load_open_head
from tests.support.drawn_takes import drawn_person, drawn_take
from tests.support.enrolling import FadingTrainer, Stage
from tracker.corrections import Corrections
from tracker.estimator import FaceEstimator


class Killed(BaseException):
    """As if the process had gone."""


def after(seconds: float, stage: Stage) -> Callable[[], bool]:
    """Says yes once so much training is done."""
    return lambda: bool(stage.trainers) and stage.trainers[-1].spent_s >= seconds


def kill_after(seconds: float, stage: Stage) -> Callable[[Progress], None]:
    def on_progress(progress: Progress) -> None:
        if after(seconds, stage)():
            raise Killed

    return on_progress


@pytest.mark.parametrize("stopped", [False, True])
def test_the_small_file_has_its_share_of_the_budget(tmp_path: Path, stopped: bool) -> None:
    stage, seen, seconds = Stage(), list[Progress](), list[float]()

    def slim(take, head, avatar, known, tuning_s, go_on) -> Snapshot:
        seconds.append(tuning_s)
        assert go_on(0.5) is not stopped
        return Snapshot(pack_avatar(avatar), known)

    parts = replace(stage.parts(), slim=slim)
    stop = after(25, stage) if stopped else lambda: False
    run_enrolment(stage.job(tmp_path), seen.append, stop, parts=parts)
    left_s = 70 - 10
    training_s, tuning_s = split_budget(left_s, Profile.LINEAR, parts)
    assert stage.trainers[0].budget_s == pytest.approx(training_s)
    assert training_s + tuning_s == pytest.approx(TRAINING_SHARE * (left_s - PACK_S))
    assert seconds == [0.0 if stopped else pytest.approx(tuning_s)]
    assert 0.5 in [progress.share for progress in seen if progress.stage is JobStage.PACK]
    assert split_budget(left_s, Profile.PAPER, parts)[1] == 0


def test_a_large_avatar_is_another_job_and_is_not_made_small(tmp_path: Path) -> None:
    job = Stage().job(tmp_path)
    large = replace(job, large=True)
    assert standard_parts(job).slim is not None
    assert standard_parts(large).slim is None
    assert work_key(large) != work_key(job)


def test_a_job_goes_through_its_stages(tmp_path: Path) -> None:
    stage, seen = Stage(), list[Progress]()
    result = run_enrolment(stage.job(tmp_path), seen.append, parts=stage.parts())
    order = list(dict.fromkeys(progress.stage for progress in seen))
    assert order == [JobStage.READ, JobStage.INSTANT, JobStage.TRAIN, JobStage.PACK]
    instant, final = (unpack_avatar(data) for data in stage.keeper.files)
    person = drawn_person()
    assert (instant.name, final.name) == ("Me", "Me")
    assert np.abs(instant.sh0 - person.sh0).min() > 0.49
    assert np.abs(final.sh0 - person.sh0).max() < 0.01
    kept = [progress.kept.place for progress in seen if progress.kept is not None]
    assert kept == ["avatar 1", "avatar 2"]
    assert result.kept.place == "avatar 2"
    assert stage.trainers[0].budget_s == pytest.approx(TRAINING_SHARE * (70 - 10 - PACK_S))
    assert result.trained_s == pytest.approx(stage.trainers[0].budget_s, abs=0.05)
    assert stage.clock.seconds - 100 <= 70
    assert not result.stopped
    assert not result.resumed
    assert result.psnr_db is not None
    assert result.psnr_db > 40
    assert result.psnr_db == result.points[-1].psnr_db
    assert not (tmp_path / "work").exists() or not list((tmp_path / "work").iterdir())
    training = [progress for progress in seen if progress.stage is JobStage.TRAIN]
    assert [progress.share for progress in training] == sorted(progress.share for progress in training)
    qualities = [progress.psnr_db for progress in training if progress.psnr_db is not None]
    assert qualities == sorted(qualities)
    assert len(set(qualities)) > 3
    previews = [progress.preview for progress in training if progress.preview is not None]
    assert len(previews) > 3
    assert len({int(preview[0, 0, 0]) for preview in previews}) == 1
    assert training[-1].left_s is not None
    assert training[-1].left_s < 10


def test_avatars_are_judged_as_they_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    take, head, person = drawn_take(10), load_open_head(), drawn_person()
    asked: list[tuple[list[int], int]] = []

    def follow(take, head, avatar, indices, closed_loop, known, lead_in) -> Followed:
        asked.append((list(indices), lead_in))
        return Followed([take.params(index) for index in indices], np.zeros(0))

    monkeypatch.setattr(job_parts, "follow", follow)
    worse = replace(person, sh0=person.sh0 + np.float32(0.3))
    right = job_parts.judge_psnr_db(take, head, person, None, [1, 7])
    assert asked == [([1, 7], job_parts.RUN_UP)]
    assert right > 45
    assert right > job_parts.judge_psnr_db(take, head, worse, None, [1, 7]) + 10


def test_what_the_recording_does_not_show_is_not_judged() -> None:
    """Shoulders go on below a wide recording's last line; what is drawn there is nobody's fault."""
    take, head, person = drawn_take(10), load_open_head(), drawn_person()
    whole = job_parts.judge_psnr_db(take, head, person, None, [1])
    images, alphas = take.images.copy(), take.alphas.copy()
    images[:, 300:], alphas[:, 300:] = 255, 0
    wide = replace(take, images=images, alphas=alphas, inner=(0, 0, 512, 300))
    assert job_parts.judge_psnr_db(wide, head, person, None, [1]) > whole - 3


def test_previews_show_a_picture_of_the_take() -> None:
    take, head, person = drawn_take(10), load_open_head(), drawn_person()
    shown = job_parts.draw_preview(take, head, person, None, 7)
    seen = cv2.resize(truth(take, 7), (256, 256), interpolation=cv2.INTER_AREA)
    assert np.abs(shown.astype(int) - seen).mean() < 2


def test_a_kill_costs_only_what_came_after_the_last_checkpoint(tmp_path: Path) -> None:
    stage = Stage()
    with pytest.raises(Killed):
        run_enrolment(stage.job(tmp_path), kill_after(33, stage), parts=stage.parts())
    folder = next((tmp_path / "work").iterdir())
    assert {path.name.split("-")[0] for path in folder.iterdir()} == {
        "lock", "take.npz", "instant.npz", "state.json", "trainer", "best",
    }  # fmt: skip
    seen: list[Progress] = []
    result = run_enrolment(stage.job(tmp_path, name="Again"), seen.append, parts=stage.parts())
    assert stage.reads == 1
    assert result.resumed
    assert stage.trainers[1].budget_s == stage.trainers[0].budget_s
    assert stage.trainers[1].calls == pytest.approx((stage.trainers[1].budget_s - 20) / 0.5, abs=1)
    assert result.trained_s == pytest.approx(stage.trainers[0].budget_s, abs=0.05)
    assert [point.trained_s for point in result.points] == sorted(point.trained_s for point in result.points)
    assert seen[0].note == "Going on with what an interrupted run has done."
    assert unpack_avatar(stage.keeper.files[-1]).name == "Again"
    assert not folder.exists()


class Knowing(FadingTrainer):
    """Finds out about the tracker, too."""

    @property
    def corrections(self) -> Corrections:
        return replace(Corrections.none(), offset=np.full(71, self.spent_s))


def test_what_is_known_goes_with_the_avatar(tmp_path: Path) -> None:
    stage = Stage(trainer=Knowing, person=FaceEstimator(load_open_head()).profile())
    with pytest.raises(Killed):
        run_enrolment(stage.job(tmp_path), kill_after(33, stage), parts=stage.parts())
    result = run_enrolment(stage.job(tmp_path), parts=stage.parts())
    first, interrupted, last = stage.keeper.people
    known: list[float] = []
    for person, data in zip((first, interrupted, last), stage.keeper.files, strict=True):
        assert person is not None
        assert person.avatar_id == avatar_id(data)
        known.append(-1.0 if person.corrections is None else float(person.corrections.offset[0]))
    assert known[0] == -1
    assert 10 < known[1] <= 20
    assert known[2] == pytest.approx(result.trained_s)


def test_fresh_forgets_an_interrupted_run(tmp_path: Path) -> None:
    stage = Stage()
    with pytest.raises(Killed):
        run_enrolment(stage.job(tmp_path), kill_after(33, stage), parts=stage.parts())
    result = run_enrolment(stage.job(tmp_path, fresh=True), parts=stage.parts())
    assert stage.reads == 2
    assert not result.resumed


def test_other_options_are_another_job(tmp_path: Path) -> None:
    job = Stage().job(tmp_path)
    keys = {work_key(each) for each in (job, replace(job, budget_s=71.0), replace(job, seed=1))}
    assert len(keys) == 3
    assert work_key(job) == work_key(replace(job, name="Other", report=tmp_path / "report"))
    job.clip.write_bytes(b"another recording")
    assert work_key(job) not in keys
    with pytest.raises(JobError, match=r"none\.mp4 does not exist"):
        work_key(replace(job, clip=tmp_path / "none.mp4"))


def test_a_wish_to_stop_keeps_the_best_so_far_and_can_be_taken_back(tmp_path: Path) -> None:
    stage = Stage()
    result = run_enrolment(stage.job(tmp_path), should_stop=after(25, stage), parts=stage.parts())
    assert result.stopped
    assert result.trained_s == pytest.approx(25)
    kept = unpack_avatar(stage.keeper.files[-1])
    assert np.abs(kept.sh0 - drawn_person().sh0).max() == pytest.approx(stage.trainers[0].error, abs=0.01)
    result = run_enrolment(stage.job(tmp_path), parts=stage.parts())
    assert stage.keeper.files[-2] == stage.keeper.files[-3]  # not the instant one again, which is worse
    assert result.resumed
    assert not result.stopped
    assert stage.trainers[1].calls == pytest.approx((stage.trainers[1].budget_s - 25) / 0.5, abs=1)


def test_stopped_before_there_is_an_avatar(tmp_path: Path) -> None:
    stage = Stage()
    with pytest.raises(JobStopped, match="nothing is kept"):
        run_enrolment(stage.job(tmp_path), should_stop=lambda: True, parts=stage.parts())
    assert not stage.keeper.files
    assert not list((tmp_path / "work").iterdir())


class Overshooting(FadingTrainer):
    """Is best in the middle of its time."""

    @property
    def error(self) -> float:
        return abs(self.wrong * (1 - 2 * self.spent_s / self.budget_s))


class Diverging(FadingTrainer):
    """Loses its mind in the middle of its time."""

    def train(self, seconds: float) -> None:
        super().train(seconds)
        if self.spent_s > self.budget_s / 2:
            self.loss = float("nan")

    def asset(self):
        asset = super().asset()
        return asset if self.spent_s <= self.budget_s / 2 else replace(asset, sh0=asset.sh0 * np.nan)


def test_the_best_is_kept_when_training_makes_it_worse(tmp_path: Path) -> None:
    stage = Stage(trainer=Overshooting)
    result = run_enrolment(stage.job(tmp_path), parts=stage.parts())
    course = [point.psnr_db for point in result.points if point.psnr_db is not None]
    assert max(course) - course[-1] > 5
    assert np.abs(unpack_avatar(stage.keeper.files[-1]).sh0 - drawn_person().sh0).max() < 0.05


def test_a_training_that_goes_astray_keeps_what_it_had(tmp_path: Path) -> None:
    stage = Stage(trainer=Diverging)
    result = run_enrolment(stage.job(tmp_path), parts=stage.parts())
    assert any("went astray" in warning for warning in result.warnings)
    assert np.isfinite(unpack_avatar(stage.keeper.files[-1]).sh0).all()
    assert np.abs(unpack_avatar(stage.keeper.files[-1]).sh0 - drawn_person().sh0).max() < 0.4


def test_nothing_held_out_keeps_the_last(tmp_path: Path) -> None:
    stage = Stage(held_out=False)
    result = run_enrolment(stage.job(tmp_path, report=tmp_path / "report"), parts=stage.parts())
    assert result.psnr_db is None
    assert result.scores == {}
    assert np.abs(unpack_avatar(stage.keeper.files[-1]).sh0 - drawn_person().sh0).max() < 0.01
    assert json.loads((tmp_path / "report/report.json").read_text())["judged_on"] == "training pictures"


def test_a_budget_that_reading_uses_up_leaves_the_instant_avatar(tmp_path: Path) -> None:
    stage = Stage(read_s=66.0)
    result = run_enrolment(stage.job(tmp_path), parts=stage.parts())
    assert not stage.trainers
    assert any("used up" in warning for warning in result.warnings)
    assert stage.keeper.files[0] == stage.keeper.files[-1]


def test_a_damaged_checkpoint_begins_the_training_anew(tmp_path: Path) -> None:
    stage = Stage()
    with pytest.raises(Killed):
        run_enrolment(stage.job(tmp_path), kill_after(33, stage), parts=stage.parts())
    path = next((tmp_path / "work").glob("*/trainer-*.npz"))
    checkpoint.save_arrays(path, {"other": np.zeros(3)})
    result = run_enrolment(stage.job(tmp_path), parts=stage.parts())
    assert stage.reads == 1
    assert any("begins anew" in warning for warning in result.warnings)
    assert result.trained_s == pytest.approx(stage.trainers[-1].budget_s, abs=0.05)


@pytest.mark.parametrize("damaged", ["state.json", "take.npz", "instant.npz"])
def test_damaged_files_of_an_interrupted_run_do_no_harm(tmp_path: Path, damaged: str) -> None:
    stage = Stage()
    with pytest.raises(Killed):
        run_enrolment(stage.job(tmp_path), kill_after(33, stage), parts=stage.parts())
    next((tmp_path / "work").glob(f"*/{damaged}")).write_bytes(b"{}")
    result = run_enrolment(stage.job(tmp_path), parts=stage.parts())
    assert result.trained_s == pytest.approx(stage.trainers[-1].budget_s, abs=0.05)


def test_a_full_disk_does_not_end_the_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage, seen = Stage(), list[Progress]()

    def full(*arguments: object, **options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    result = run_enrolment(stage.job(tmp_path), seen.append, parts=stage.parts())
    notes = [progress.note for progress in seen if progress.note is not None]
    assert len(notes) == len(set(notes)) <= 2
    assert all("No space left" in note for note in notes)
    assert not result.stopped
    assert len(stage.keeper.files) == 2
    assert not list(tmp_path.rglob("*.part"))


def test_a_full_disk_when_the_report_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage()

    def full(path: Path, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("enrolment.report.write.write_bytes", full)
    with pytest.raises(JobError, match=r"is kept \(avatar 2\), but its report cannot be written: No space left"):
        run_enrolment(stage.job(tmp_path, report=tmp_path / "report"), parts=stage.parts())
    monkeypatch.undo()
    result = run_enrolment(stage.job(tmp_path, report=tmp_path / "report"), parts=stage.parts())
    assert stage.reads == 1
    assert stage.trainers[1].calls == 0
    assert result.report == tmp_path / "report" / "report.html"


def test_one_job_at_a_time_and_old_ones_are_swept(tmp_path: Path) -> None:
    old = tmp_path / ("0" * 24)
    old.mkdir()
    (old / "take.npz").write_bytes(b"")
    with open_work(tmp_path, "1" * 24, fresh=False) as work:
        assert old.exists()
        (work.path / "state.json").write_text("{}")
        with (
            pytest.raises(JobError, match="already"),
            open_work(tmp_path, "1" * 24, fresh=False),
        ):
            pass
    later = old.stat().st_mtime + ABANDONED_S + 60
    with open_work(tmp_path, "2" * 24, fresh=False, now=lambda: later):
        assert not old.exists()
    assert not list(tmp_path.iterdir())


def test_a_photo_is_not_trained_from(tmp_path: Path) -> None:
    stage = Stage(pictures=1, held_out=False)
    result = run_enrolment(stage.job(tmp_path, photo=True, report=tmp_path / "report"), parts=stage.parts())
    assert not stage.trainers
    assert stage.keeper.files[0] == stage.keeper.files[-1]
    assert result.points == ()
    assert "one photo" in (tmp_path / "report/report.html").read_text()
