"""How large avatar files are and what they lose: `visavis bench blob`.

Each avatar is written in version 1 of the format (enrolment.slim) and read back. Pictures of the two are compared: of
made-up faces as a call frames them and from the sides, and, with a take, of the held-out pictures with the person.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avatar_store.guests import guest_bytes, list_guests
from codec.avatar_asset import AvatarAsset
from codec.avatar_file import pack_avatar, unpack_avatar, unpack_partial
from codec.avatar_layout import MAGIC, MAX_AVATAR_BYTES, split_sections, version_of
from codec.errors import AvatarFileError
from enrolment.errors import TakeError
from enrolment.evaluate import Scores, evaluate
from enrolment.metrics.pixels import psnr_db
from enrolment.read_take import HoldOut, read_take
from enrolment.slim import Fineness, slim_avatar
from enrolment.slim_shots import PICTURES, shots_of_take, standard_shots
from enrolment.take import Take
from enrolment.take_file import load_take
from enrolment.visibility import Shot
from renderer.avatar.avatar_model import AvatarModel
from renderer.avatar.frame_renderer import FrameRenderer
from renderer.errors import AvatarMismatchError
from renderer.head.model import HeadModel
from tracker.corrections import Corrections
from visavis.bench.report import Figure
from visavis.errors import CommandError

_WHITE = (1.0, 1.0, 1.0)
_ROUNDS = 5


@dataclass(frozen=True, eq=False)
class Subject:
    """An avatar to measure.

    Args:
        name: begins the names of its figures.
        data: its file.
        take: of the person, with held-out pictures.
        known: what training has found out about the tracker.
    """

    name: str
    data: bytes
    take: Take | None = None
    known: Corrections | None = None


def guests() -> list[Subject]:
    """The shipped avatars."""
    return [Subject(guest.name.lower(), guest_bytes(guest.avatar_id)) for guest in list_guests()]


def read_subject(path: Path, take: Take | None = None) -> Subject:
    """An avatar from a file, with the corrections in the profile beside it if there is one.

    Raises:
        CommandError: it cannot be read.
    """
    from tracker.profile import PersonProfile, ProfileError

    profile = path.with_suffix(".profile")
    try:
        known = PersonProfile.load(profile).corrections if profile.exists() else None
        return Subject(path.stem, path.read_bytes(), take, known)
    except (OSError, ProfileError) as error:
        raise CommandError(f"{path} cannot be read: {error}.") from error


def read_recording(path: Path, head: HeadModel) -> Take:
    """A take that was kept (enrolment.take_file), or a recording whose last fifth is held out.

    Raises:
        CommandError: it is of no use.
    """
    try:
        return load_take(path) if path.suffix == ".npz" else read_take(path, head, hold_out=HoldOut.TAIL)
    except (OSError, ValueError, TakeError) as error:
        raise CommandError(f"{path}: {error}.") from error


def measure(subject: Subject, head: HeadModel, fineness: Fineness | None = None) -> Iterator[Figure]:
    """The figures of one avatar.

    Args:
        subject: the avatar.
        head: the head model it should be for.
        fineness: how finely it is written.

    Raises:
        CommandError: it is damaged, or for another head model.
    """
    try:
        asset = unpack_avatar(subject.data)
        AvatarModel(head, asset)
    except (AvatarFileError, AvatarMismatchError) as error:
        raise CommandError(f"{subject.name}: {error}.") from error
    standard, vectors = standard_shots()
    shots = standard
    if subject.take is not None:
        shots, vectors = shots_of_take(subject.take, head, asset, subject.known)
    began = time.perf_counter()
    slim, plan = slim_avatar(head, asset, shots, vectors, fineness)
    planned = time.perf_counter()
    data = pack_avatar(slim, plan)
    packed = time.perf_counter()
    decode_ms = min(_timed_ms(data) for _ in range(_ROUNDS))
    after = unpack_avatar(data)
    name = f"blob.{subject.name}."
    yield Figure(f"{name}before_kb", len(subject.data) / 1000, "kB", "lower")
    yield Figure(f"{name}kb", len(data) / 1000, "kB", "lower")
    yield from _parts(name, data)
    yield Figure(f"{name}gaussians_before", asset.count, "", "lower")
    yield Figure(f"{name}gaussians", after.count, "", "lower")
    yield Figure(f"{name}bits_per_gaussian", 8 * len(data) / after.count, "bit", "lower")
    yield Figure(f"{name}plan_ms", 1e3 * (planned - began), "ms", "lower")
    yield Figure(f"{name}encode_ms", 1e3 * (packed - planned), "ms", "lower")
    yield Figure(f"{name}decode_ms", decode_ms, "ms", "lower")
    front, sides = standard[:PICTURES], standard[PICTURES:]
    yield Figure(f"{name}front_psnr_db", likeness_db(head, asset, after, front), "dB", "higher")
    yield Figure(f"{name}sides_psnr_db", likeness_db(head, asset, after, sides), "dB", "higher")
    first = unpack_partial(data[: first_part_bytes(data)])
    if first is not None:
        yield Figure(f"{name}first_psnr_db", likeness_db(head, asset, first, front), "dB", "higher")
    if subject.take is not None:
        yield from _held_out(name, head, asset, after, subject.take, subject.known)


def likeness_db(head: HeadModel, before: AvatarAsset, after: AvatarAsset, shots: Sequence[Shot]) -> float:
    """Mean PSNR of the shots of two avatars; pictures that are the same count as 100 dB."""
    one, other = (FrameRenderer(AvatarModel(head, avatar), shots[0].camera.width) for avatar in (before, after))
    values: list[float] = []
    for shot in shots:
        pictures = [renderer.render_rgb(shot.params, shot.camera, _WHITE) for renderer in (one, other)]
        values.append(min(float(psnr_db(*pictures)), 100.0))
    return float(np.mean(values))


def first_part_bytes(data: bytes) -> int:
    """How many bytes of a file of version 1 there must be to show anything."""
    end = 8
    for tag, _, _, content in split_sections(data, MAGIC, version_of(data), MAX_AVATAR_BYTES):
        end += 12 + len(content)
        if tag == "GAU0":
            break
    return end


def _timed_ms(data: bytes) -> float:
    began = time.perf_counter()
    unpack_avatar(data)
    return 1e3 * (time.perf_counter() - began)


def _parts(name: str, data: bytes) -> Iterator[Figure]:
    for tag, _, _, content in split_sections(data, MAGIC, version_of(data), MAX_AVATAR_BYTES):
        yield Figure(f"{name}{tag}_kb", len(content) / 1000, "kB", "lower")
    yield Figure(f"{name}first_kb", first_part_bytes(data) / 1000, "kB", "lower")


def _held_out(
    name: str, head: HeadModel, before: AvatarAsset, after: AvatarAsset, take: Take, known: Corrections | None
) -> Iterator[Figure]:
    """What held-out pictures of the person lose."""
    for way, closed in (("open", False), ("closed", True)):
        scores: list[Scores] = [
            evaluate(take, head, avatar, take.held_out_indices, closed, None, corrections=known).mean
            for avatar in (before, after)
        ]
        yield Figure(f"{name}{way}_loss_db", scores[0].psnr_db - scores[1].psnr_db, "dB", "lower")
        yield Figure(f"{name}{way}_face_loss_db", scores[0].face_psnr_db - scores[1].face_psnr_db, "dB", "lower")
