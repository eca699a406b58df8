"""Makes an avatar of a person from a recording or a photo (enrolment.job): what the command's options mean."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from avatar_store.handles import check_handle, set_handle
from avatar_store.open_store import default_store, local_root
from avatar_store.store import AvatarStore
from client.capture.media_file import probe
from codec.avatar_layout import MAX_NAME_CHARACTERS
from enrolment.job_keep import FileKeeper, StoreKeeper
from enrolment.job_photo import read_photo
from enrolment.job_types import (
    LEAST_BUDGET_S,
    MOST_BUDGET_S,
    AvatarKeeper,
    Backend,
    EnrolmentJob,
    EnrolmentResult,
    Profile,
)
from enrolment.read_take import HoldOut
from renderer.head.model import HeadModel
from visavis.errors import CommandError
from visavis.output_files import check_output

SUFFIXES = {Profile.LINEAR: ".vav", Profile.PAPER: ".vap"}
"""Of avatar files."""
_BUDGET = re.compile(r"(\d+(?:\.\d+)?) ?(s|m|h|)", re.IGNORECASE)
_UNITS = {"s": 1.0, "": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True)
class Destination:
    """Where an avatar goes.

    Args:
        file: an avatar file; None for the user's store.
        handle: what it shall be called in the store; None for nothing but its id.
    """

    file: Path | None = None
    handle: str | None = None

    def keeper(self, store: AvatarStore) -> AvatarKeeper:
        """What puts avatars there.

        Raises:
            KeyFileError: the user's key cannot be used.
        """
        if self.file is None:
            return StoreKeeper(store, store.root / "own")
        worn = self.file.suffix.lower() == SUFFIXES[Profile.LINEAR]
        return FileKeeper(self.file, store.owner_key() if worn else None)

    def settle(self, store: AvatarStore, result: EnrolmentResult) -> str:
        """What names the avatar on a command line from now on.

        Raises:
            AvatarStoreError: the handle cannot be kept.
        """
        if self.handle is not None:
            set_handle(store.root, self.handle, result.kept.avatar_id)
            return self.handle
        return result.kept.place


def parse_destination(out: str | None, clip: Path, profile: Profile) -> Destination:
    """What `-o` says: nothing, a handle, or the path of an avatar file.

    Raises:
        CommandError: nothing can be written there, or not an avatar of this profile.
        AvatarStoreError: no avatar can have this handle.
    """
    path, suffix = Path(out or ""), SUFFIXES[profile]
    if out is not None and path.suffix.lower() == suffix:
        check_output(path, reads=clip)
        return Destination(file=path)
    if profile is Profile.PAPER:
        raise CommandError(f"Nobody wears avatars of profile paper in calls: name a file for it, -o NAME{suffix}.")
    if out is None:
        return Destination()
    if len(path.parts) > 1 or path.suffix or path.is_dir():
        raise CommandError(f"{out}: name an avatar file ({suffix}), or a name without a dot for your own store.")
    check_handle(out)
    return Destination(handle=out)


def parse_budget(text: str) -> float:
    """Seconds of `90s`, `5m`, `1.5h`; a plain number is seconds.

    Raises:
        CommandError: it is no such time, or too short or too long a one.
    """
    match = _BUDGET.fullmatch(text.strip())
    if match is None:
        raise CommandError(f"--budget {text[:40]!r} is no time: say 90s, 5m or 1h.")
    seconds = float(match[1]) * _UNITS[match[2].lower()]
    if not LEAST_BUDGET_S <= seconds <= MOST_BUDGET_S:
        raise CommandError(
            f"--budget {text[:40]} is not between {LEAST_BUDGET_S:.0f}s and {MOST_BUDGET_S / 3600:.0f}h."
        )
    return seconds


def work_root() -> Path:
    """Where interrupted enrolments are: beside the user's avatars (avatar_store.open_store.local_root)."""
    return local_root().parent / "enrolments"


def report_folder(destination: Destination, clip: Path) -> Path:
    """Where the report goes if nothing else is said: beside the avatar file, or beside the user's store."""
    if destination.file is not None:
        return destination.file.with_name(f"{destination.file.stem}-report")
    return local_root().parent / "reports" / (destination.handle or _plain(clip.stem))


def display_name(name: str | None, clip: Path) -> str:
    """The avatar's name, by default that of the recording.

    Raises:
        CommandError: it is too long, or holds what cannot be shown.
    """
    if name is None:
        return ("".join(letter for letter in clip.stem if letter.isprintable()) or "me")[:MAX_NAME_CHARACTERS]
    if not 0 < len(name) <= MAX_NAME_CHARACTERS or not name.isprintable() or len(name.encode()) > 255:
        raise CommandError(f"--name takes 1 to {MAX_NAME_CHARACTERS} printable characters.")
    return name


@dataclass(frozen=True)
class EnrollOptions:
    """The command's options, as far as they are not of one of the types above; see visavis.commands.enroll."""

    clip: Path
    destination: Destination
    budget_s: float
    name: str
    profile: Profile = Profile.LINEAR
    backend: Backend = Backend.CPU
    hold_out: HoldOut = HoldOut.BLOCKS
    photo: bool = False
    fresh: bool = False
    report: Path | None = None
    work: Path | None = None
    large: bool = False


def check_clip(options: EnrollOptions) -> None:
    """Says what is wrong with the recording or the photo before anything is fetched or loaded for it.

    Raises:
        CommandError: the recording is a pipe, or the report cannot be written.
        MediaError: the recording is missing, or no video that can be decoded.
        JobError: the photo cannot be read, or cannot be trained from.
    """
    if options.clip.is_fifo():
        raise CommandError(f"{options.clip.name} is a pipe: save it as a file first.")
    if options.photo:
        read_photo(options.clip)
        if options.profile is not Profile.LINEAR:
            raise CommandError("A photo gives an avatar without training, of profile linear.")
    else:
        probe(options.clip)
    for folder in (options.report, options.work):
        if folder is not None and folder.exists() and not folder.is_dir():
            raise CommandError(f"{folder} is a file: name a folder.")


def make_job(options: EnrollOptions, head: HeadModel, lpips: Path | None) -> EnrolmentJob:
    """The job for enrolment.job.run_enrolment."""
    return EnrolmentJob(
        clip=options.clip,
        head=head,
        name=options.name,
        keep=options.destination.keeper(default_store()),
        work=options.work or work_root(),
        profile=options.profile,
        backend=options.backend,
        budget_s=options.budget_s,
        hold_out=HoldOut.NONE if options.photo else options.hold_out,
        photo=options.photo,
        fresh=options.fresh,
        report=options.report or report_folder(options.destination, options.clip),
        lpips=lpips,
        large=options.large,
    )


def summary(result: EnrolmentResult, place: str) -> dict[str, Any]:
    """What `--json` prints."""
    return {
        "avatar": place,
        "id": result.kept.avatar_id,
        "bytes": result.kept.size_bytes,
        "person": None if result.kept.profile is None else str(result.kept.profile),
        "pictures": len(result.take),
        "trained_s": round(result.trained_s, 3),
        "work_s": round(sum(result.stage_s.values()), 3),
        "stopped": result.stopped,
        "resumed": result.resumed,
        "scores": result.scores,
        "warnings": list(result.warnings),
        "report": None if result.report is None else str(result.report),
    }


@contextmanager
def stop_on_interrupt(say: Callable[[], None]) -> Iterator[Callable[[], bool]]:
    """Yields what says whether Ctrl-C was pressed; the second time it ends the program as usual.

    Args:
        say: called at the first press, in the midst of anything.
    """
    pressed = False

    def on_signal(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        if pressed:
            raise KeyboardInterrupt
        pressed = True
        say()

    before = signal.signal(signal.SIGINT, on_signal)
    try:
        yield lambda: pressed
    finally:
        signal.signal(signal.SIGINT, before)


def _plain(text: str) -> str:
    return re.sub(r"[^\w-]+", "-", text).strip("-") or "me"
