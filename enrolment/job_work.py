"""What an interrupted enrolment goes on from: a folder for each recording with the same options.

<root>/<key>/lock               held while a process works here
             take.npz           what was read (enrolment.take_file), about a megabyte a picture
             instant.npz        the instant avatar, unrounded
             state.json         JobState; names the two files below
             trainer-<n>.npz    the trainer's checkpoint
             best-<n>.vav       the best avatar so far (a .vap in truth, for profile `paper`)
             best-<n>.npz       what was known of the tracker with it
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import math
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import IO, Any

from codec.avatar_asset import AvatarAsset
from enrolment.checkpoint import (
    Arrays,
    CheckpointError,
    load_arrays,
    load_asset,
    replacing,
    save_arrays,
    save_asset,
    write_bytes,
)
from enrolment.errors import TakeError
from enrolment.job_codec import Snapshot
from enrolment.job_types import EnrolmentJob, JobError, Point
from enrolment.take import Take
from enrolment.take_file import load_take, save_take
from tracker.corrections import Corrections

FORMAT = 2
"""To be raised when what is stored changes its meaning: older folders are then not found again."""
ABANDONED_S = 7 * 24 * 3600.0
"""Folders that nobody has worked in for so long are deleted."""
_KEY_LENGTH = 24


def work_key(job: EnrolmentJob) -> str:
    """What names the job's folder: the recording's content and every option that the avatar depends on.

    Raises:
        JobError: the recording cannot be read.
    """
    try:
        with job.clip.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError as error:
        raise JobError(f"{job.clip.name} does not exist.") from error
    except OSError as error:
        raise JobError(f"{job.clip.name} cannot be read: {error.strerror}.") from error
    options = (FORMAT, content, job.head.model_id, job.profile, job.backend, job.budget_s, job.hold_out.value)
    text = json.dumps([*options, job.photo, job.seed, job.large])
    return hashlib.sha256(text.encode()).hexdigest()[:_KEY_LENGTH]


@dataclass
class JobState:
    """How far the job is.

    Args:
        stage_s: seconds of each stage so far.
        train_budget_s: seconds that the trainer was given; None before the training.
        trained_s: those of them that are done.
        points: course of the training.
        best_db: highest held-out PSNR so far; None if there is none, or nothing is held out.
        kept_db: that of the best avatar so far, which may be a little lower.
        best: file of the best avatar so far.
        trainer: file of the trainer's checkpoint.
        notes: what the person was told.
    """

    stage_s: dict[str, float] = field(default_factory=dict)
    train_budget_s: float | None = None
    trained_s: float = 0.0
    points: list[Point] = field(default_factory=list)
    best_db: float | None = None
    kept_db: float | None = None
    best: str | None = None
    trainer: str | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def spent_s(self) -> float:
        """Seconds of all stages."""
        return sum(self.stage_s.values())

    def to_json(self) -> str:
        """As text; numbers that are not finite become null."""
        content = asdict(self)
        for point in content["points"]:
            if not math.isfinite(point["loss"]):
                point["loss"] = None
        return json.dumps(content, allow_nan=False)

    @staticmethod
    def from_json(text: str) -> JobState:
        """What `to_json` made.

        Raises:
            ValueError, TypeError, KeyError, AttributeError: it is none.
        """
        content: dict[str, Any] = json.loads(text)
        if set(content) != {each.name for each in fields(JobState)}:
            raise ValueError("other fields")
        for name in (content["best"], content["trainer"]):
            if name is not None and Path(name).name != name:
                raise ValueError("a file elsewhere")
        points = content.pop("points")
        return JobState(
            **content,
            points=[
                Point(float(each["trained_s"]), math.nan if each["loss"] is None else each["loss"], each["psnr_db"])
                for each in points
            ],
        )


class WorkFolder:
    """See the module; made by `open_work`. Writing raises OSError, reading what is not there or damaged gives None."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._count = 0

    def state(self) -> JobState | None:
        """What the last process left."""
        with suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
            return JobState.from_json((self.path / "state.json").read_text("utf-8"))
        return None

    def take(self) -> Take | None:
        """What was read."""
        with suppress(TakeError):
            return load_take(self.path / "take.npz")
        return None

    def save_take(self, take: Take) -> None:
        """Keeps what was read."""
        with replacing(self.path / "take.npz") as partial:
            save_take(take, partial)

    def instant(self) -> AvatarAsset | None:
        """The instant avatar."""
        with suppress(CheckpointError, TypeError):
            return load_asset(self.path / "instant.npz")
        return None

    def save_instant(self, asset: AvatarAsset) -> None:
        """Keeps the instant avatar."""
        save_asset(self.path / "instant.npz", asset)

    def trainer(self, state: JobState) -> Arrays | None:
        """The trainer's checkpoint."""
        if state.trainer is None:
            return None
        with suppress(CheckpointError):
            return load_arrays(self.path / state.trainer)
        return None

    def best(self, state: JobState) -> Snapshot | None:
        """The best avatar."""
        if state.best is None:
            return None
        path = self.path / state.best
        with suppress(OSError, CheckpointError, ValueError):
            known = _known(path)
            arrays: dict[str, Any] | None = {**load_arrays(known)} if known.exists() else None
            return Snapshot(path.read_bytes(), None if arrays is None else Corrections.from_arrays(arrays))
        return None

    def save(self, state: JobState, trainer: Arrays | None = None, best: Snapshot | None = None) -> None:
        """Keeps how far the job is; what is None stays as it is. A kill in between leaves what was there before."""
        self._count += 1
        previous = state.trainer, state.best
        try:
            if trainer is not None:
                state.trainer = self._name("trainer", ".npz")
                save_arrays(self.path / state.trainer, trainer)
            if best is not None:
                state.best = self._name("best", ".vav")
                if best.corrections is not None:
                    save_arrays(_known(self.path / state.best), {**best.corrections.to_arrays()})
                write_bytes(self.path / state.best, best.data)
            write_bytes(self.path / "state.json", state.to_json().encode())
        except BaseException:
            state.trainer, state.best = previous
            raise
        finally:
            self._clean(state)

    def _name(self, what: str, suffix: str) -> str:
        while (self.path / f"{what}-{self._count}{suffix}").exists():
            self._count += 1
        return f"{what}-{self._count}{suffix}"

    def _clean(self, state: JobState) -> None:
        used = {state.trainer, state.best, None if state.best is None else _known(Path(state.best)).name}
        for path in (*self.path.glob("trainer-*"), *self.path.glob("best-*"), *self.path.glob(".*.part")):
            if path.name not in used:
                with suppress(OSError):
                    path.unlink()

    def remove(self) -> None:
        """Deletes the folder."""
        shutil.rmtree(self.path, ignore_errors=True)


def _known(avatar: Path) -> Path:
    return avatar.with_suffix(".npz")


@contextmanager
def open_work(root: Path, key: str, fresh: bool, now: Callable[[], float] = time.time) -> Iterator[WorkFolder]:
    """The folder of one job, to which no other process has access meanwhile; an empty one is removed afterwards.

    Args:
        root: of all such folders.
        key: `work_key`.
        fresh: delete what is there.
        now: seconds since the epoch.

    Raises:
        JobError: another process does this job, or the folder cannot be made.
    """
    path = root / key
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        _sweep(root, path, now())
        lock = (path / "lock").open("w")
    except OSError as error:
        raise JobError(f"The folder {path} cannot be made: {error.strerror}.") from error
    with lock:
        if not _locked(lock):
            raise JobError("The same recording is being enrolled with the same options already.")
        if fresh:
            for each in path.iterdir():
                if each.name != "lock":
                    each.unlink(missing_ok=True)
        try:
            yield WorkFolder(path)
        finally:
            if path.is_dir() and {each.name for each in path.iterdir()} <= {"lock"}:
                shutil.rmtree(path, ignore_errors=True)


def _locked(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _sweep(root: Path, mine: Path, now: float) -> None:
    for path in root.iterdir():
        with suppress(OSError):
            newest = max(each.stat().st_mtime for each in (path, *path.iterdir()))
            if path != mine and len(path.name) == _KEY_LENGTH and now - newest > ABANDONED_S:
                with (path / "lock").open("w") as lock:
                    if _locked(lock):
                        shutil.rmtree(path, ignore_errors=True)
