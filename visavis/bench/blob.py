"""How large avatar files are and what they lose: `visavis bench blob`.

Each avatar is written in version 1 of the format (enrolment.slim) and read back; or, of somebody who was enrolled
twice, the small file is compared with the large one as it is. Pictures of the two are compared: of made-up faces as a
call frames them and from the sides, and, with a take, of the held-out pictures with the person.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console

from avatar_store.guests import guest_bytes, list_guests
from codec.avatar_asset import AvatarAsset
from codec.avatar_file import pack_avatar, unpack_avatar, unpack_partial
from codec.avatar_layout import MAGIC, MAX_AVATAR_BYTES, split_sections, version_of
from codec.errors import AvatarFileError
from enrolment.evaluate import evaluate
from enrolment.metrics.lpips import Lpips
from enrolment.metrics.lpips_fetch import lpips_weights_if_possible
from enrolment.metrics.pixels import psnr_db
from enrolment.slim import Fineness, slim_avatar
from enrolment.slim_shots import PICTURES, shots_of_take, standard_shots
from enrolment.take import Take
from enrolment.visibility import Shot
from renderer.avatar.avatar_model import AvatarModel
from renderer.avatar.frame_renderer import FrameRenderer
from renderer.errors import AvatarMismatchError
from renderer.head.model import HeadModel
from tracker.corrections import Corrections
from visavis.bench.report import Figure
from visavis.errors import CommandError
from visavis.recorded_take import load_recording

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
        large: the same person's avatar, trained without a thought for its size, which `data` is compared with as it is.
    """

    name: str
    data: bytes
    take: Take | None = None
    known: Corrections | None = None
    large: Subject | None = None


def guests() -> list[Subject]:
    """The shipped avatars."""
    return [Subject(guest.name.lower(), guest_bytes(guest.avatar_id)) for guest in list_guests()]


def read_subject(path: Path, take: Take | None = None, large: Path | None = None) -> Subject:
    """An avatar from a file, with the corrections in the profile beside it if there is one.

    Args:
        path: the file.
        take: of the person.
        large: the file of the avatar to compare with.

    Raises:
        CommandError: it cannot be read.
    """
    from tracker.profile import PersonProfile, ProfileError

    profile = path.with_suffix(".profile")
    try:
        known = PersonProfile.load(profile).corrections if profile.exists() else None
        return Subject(path.stem, path.read_bytes(), take, known, read_subject(large) if large else None)
    except (OSError, ProfileError) as error:
        raise CommandError(f"{path} cannot be read: {error}.") from error


def measure(
    subject: Subject, head: HeadModel, fineness: Fineness | None = None, lpips: Lpips | None = None
) -> Iterator[Figure]:
    """The figures of one avatar.

    Args:
        subject: the avatar.
        head: the head model it should be for.
        fineness: how finely it is written.
        lpips: where LPIPS is wanted.

    Raises:
        CommandError: it is damaged, or for another head model.
    """
    name, standard = f"blob.{subject.name}.", standard_shots()[0]
    large = subject.large or subject
    asset = _read(large, head)
    yield Figure(f"{name}before_kb", len(large.data) / 1000, "kB", "lower")
    if subject.large is not None:
        data, after = subject.data, _read(subject, head)
    else:
        shots, vectors = standard_shots()
        if subject.take is not None:
            shots, vectors = shots_of_take(subject.take, head, asset, subject.known)
        began = time.perf_counter()
        slim, plan = slim_avatar(head, asset, shots, vectors, fineness)
        planned = time.perf_counter()
        data = pack_avatar(slim, plan)
        packed = time.perf_counter()
        after = unpack_avatar(data)
        yield Figure(f"{name}plan_ms", 1e3 * (planned - began), "ms", "lower")
        yield Figure(f"{name}encode_ms", 1e3 * (packed - planned), "ms", "lower")
    yield Figure(f"{name}kb", len(data) / 1000, "kB", "lower")
    yield from _parts(name, data)
    yield Figure(f"{name}gaussians_before", asset.count, "", "lower")
    yield Figure(f"{name}gaussians", after.count, "", "lower")
    yield Figure(f"{name}bits_per_gaussian", 8 * len(data) / after.count, "bit", "lower")
    yield Figure(f"{name}decode_ms", min(_timed_ms(data) for _ in range(_ROUNDS)), "ms", "lower")
    front, sides = standard[:PICTURES], standard[PICTURES:]
    yield Figure(f"{name}front_psnr_db", likeness_db(head, asset, after, front), "dB", "higher")
    yield Figure(f"{name}sides_psnr_db", likeness_db(head, asset, after, sides), "dB", "higher")
    first = unpack_partial(data[: first_part_bytes(data)]) if version_of(data) else None
    if first is not None:
        yield Figure(f"{name}first_psnr_db", likeness_db(head, asset, first, front), "dB", "higher")
    if subject.take is not None:
        sides_of = ((asset, large.known), (after, subject.known))
        yield from _held_out(name, head, sides_of, subject.take, lpips)


def run(
    files: Sequence[tuple[tuple[Path, Path | None], Path | None]], head: HeadModel, console: Console
) -> list[Figure]:
    """The figures of avatars, and the means over them.

    Args:
        files: of each an avatar file, a recording of the person, and the file of the avatar to compare with.
        head: the head model they should be for.
        console: for what has to be said.

    Raises:
        CommandError: something cannot be read.
    """
    weights = lpips_weights_if_possible(console.print) if any(take for (_, take), _ in files) else None
    lpips = Lpips(weights) if weights is not None else None
    figures: list[Figure] = []
    for (path, recording), large in files:
        take = load_recording(recording, head) if recording is not None else None
        figures += measure(read_subject(path, take, large), head, lpips=lpips)
    return [*figures, *means(figures)]


def means(figures: Sequence[Figure]) -> Iterator[Figure]:
    """`blob.linear_kb` and, where held-out pictures were compared, `blob.linear_loss_db` over all avatars."""
    for end, name, unit in ((".kb", "blob.linear_kb", "kB"), (".closed_loss_db", "blob.linear_loss_db", "dB")):
        values = [figure.value for figure in figures if figure.name.endswith(end)]
        if values:
            yield Figure(name, float(np.mean(values)), unit, "lower")


def _read(subject: Subject, head: HeadModel) -> AvatarAsset:
    try:
        asset = unpack_avatar(subject.data)
        AvatarModel(head, asset)
    except (AvatarFileError, AvatarMismatchError) as error:
        raise CommandError(f"{subject.name}: {error}.") from error
    return asset


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
    name: str,
    head: HeadModel,
    avatars: Sequence[tuple[AvatarAsset, Corrections | None]],
    take: Take,
    lpips: Lpips | None,
) -> Iterator[Figure]:
    """What held-out pictures of the person are like with the avatar before and after, and what they lose."""
    for way, closed in (("open", False), ("closed", True)):
        before, after = (
            evaluate(take, head, avatar, take.held_out_indices, closed, lpips, corrections=known).mean
            for avatar, known in avatars
        )
        yield Figure(f"{name}{way}_loss_db", before.psnr_db - after.psnr_db, "dB", "lower")
        yield Figure(f"{name}{way}_face_loss_db", before.face_psnr_db - after.face_psnr_db, "dB", "lower")
        for when, scores in (("before", before), ("after", after)):
            yield Figure(f"{name}{way}_psnr_{when}_db", scores.psnr_db, "dB", "higher")
            yield Figure(f"{name}{way}_ssim_{when}", scores.ssim, "", "higher")
            if scores.lpips is not None:
                yield Figure(f"{name}{way}_lpips_{when}", scores.lpips, "", "lower")
