"""`visavis encode`: the face of a recording as a stream of a few kbit/s, in a file."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.commands.closed_loop import ClosedLoop
from visavis.commands.heads import Head, load_head
from visavis.commands.track import ExtractorName
from visavis.errors import CommandError
from visavis.picture_progress import picture_progress

if TYPE_CHECKING:
    from codec.stream_config import FrameConfig
    from tracker.profile import PersonProfile
    from tracker.refined_tracker import Likeness
    from visavis.encode_clip import EncodeJob, EncodeSummary

DEFAULT_QUALITY = 4


class Coding(StrEnum):
    """The profiles of stream files (codec.stream_config.PROFILES)."""

    RANGE = "range"
    EG0 = "eg0"


def encode(
    source: Annotated[
        Path, typer.Argument(metavar="INPUT", help="A recording, or a track file of one (`visavis track`).")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The stream file to write.")] = Path("face.vvs"),
    coding: Annotated[
        Coding, typer.Option(help="How frames are coded: range takes fewer bits, eg0 is the paper's.")
    ] = Coding.RANGE,
    dims: Annotated[int, typer.Option(help="Expression coefficients: 10, 20, 30, 40 or 50.")] = 50,
    quality: Annotated[
        int | None, typer.Option(help=f"0 (finest) to 16, for --coding range; default: {DEFAULT_QUALITY}.")
    ] = None,
    bits: Annotated[
        int | None, typer.Option(help="Bits of each coefficient, for --coding eg0: 8 (default) or 10.")
    ] = None,
    gaze: Annotated[
        bool, typer.Option("--gaze/--no-gaze", help="Keep where the eyes look; --no-gaze is for --coding eg0.")
    ] = True,
    torso: Annotated[
        bool,
        typer.Option("--torso/--no-torso", help="Keep how the shoulders move; --no-torso is for --coding eg0."),
    ] = True,
    head: Annotated[Head, typer.Option(help="Head model whose parameters are wanted.")] = Head.OPEN,
    extractor: Annotated[ExtractorName, typer.Option(help="What tracks.")] = ExtractorName.MEDIAPIPE,
    profile: Annotated[
        Path | None, typer.Option(help="Whom to expect (`visavis calibrate`, `visavis enroll`).")
    ] = None,
    avatar: Annotated[
        str | None, typer.Option(help="The person's avatar, to correct the tracker against: a name, an id or a file.")
    ] = None,
    closed_loop: Annotated[
        ClosedLoop, typer.Option(help="Correct it; auto: if the profile says that the avatar is the person's.")
    ] = ClosedLoop.AUTO,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Keep the face of a recording as a stream file (docs/stream-file.md)."""
    from visavis.encode_clip import EncodeJob, encode_track
    from visavis.face_streams import is_stream_file, is_track_file

    config = _config(coding, dims, quality, bits, whole=gaze and torso)
    if is_stream_file(source):
        raise CommandError(f"{source.name} is a stream file already.")
    job = EncodeJob(source, out, config, gaze, torso)
    if not is_track_file(source):
        summary = _track_and_encode(job, head, extractor, profile, avatar, closed_loop)
    elif (head, extractor, profile, avatar) != (Head.OPEN, ExtractorName.MEDIAPIPE, None, None):
        raise CommandError(
            f"{source.name} is tracked already: --head, --extractor, --profile and --avatar are for recordings."
        )
    else:
        summary = encode_track(job)
    if summary.warning is not None:
        typer.echo(f"visavis: {summary.warning}", err=True)
    if as_json:
        typer.echo(json.dumps(summary.__dict__))
        return
    typer.echo(
        f"{summary.frames} frames, {100 * summary.faces / summary.frames:.1f} % with a face, "
        f"{summary.seconds:.1f} s, {summary.size_bytes:,} bytes, {summary.kbit_s:.2f} kbit/s"
    )
    typer.echo(f"wrote {summary.file}")


def _config(coding: Coding, dims: int, quality: int | None, bits: int | None, whole: bool) -> FrameConfig:
    """What the options say; `whole`: neither gaze nor torso shall be left out."""
    from codec.quantizer import StreamConfig
    from codec.range_steps import RangeConfig

    if coding is Coding.RANGE and (bits is not None or not whole):
        raise CommandError("--bits, --no-gaze and --no-torso are for --coding eg0: name that, too.")
    if coding is Coding.EG0 and quality is not None:
        raise CommandError("--quality is for --coding range: with eg0 name --bits.")
    try:
        if coding is Coding.RANGE:
            return RangeConfig(dims, DEFAULT_QUALITY if quality is None else quality)
        return StreamConfig(dims, 8 if bits is None else bits)
    except ValueError as error:
        raise CommandError("--dims is 10, 20, 30, 40 or 50, --quality 0 to 16, and --bits 8 or 10.") from error


def _track_and_encode(
    job: EncodeJob, head: Head, extractor: ExtractorName, profile: Path | None, avatar: str | None, mode: ClosedLoop
) -> EncodeSummary:
    from tracker.profile import PersonProfile
    from visavis.encode_clip import encode_clip

    person = None if profile is None else PersonProfile.load(profile)
    likeness = _find_likeness(avatar, person, mode)
    with picture_progress(f"tracking {job.source.name}") as on_picture:
        return encode_clip(job, load_head(head), extractor.value, person, on_picture, likeness)


def _find_likeness(avatar: str | None, person: PersonProfile | None, mode: ClosedLoop) -> Likeness | None:
    if avatar is None:
        if mode is ClosedLoop.ON:
            raise CommandError("--closed-loop on needs an --avatar to correct the tracker against.")
        return None
    from renderer.avatar.avatar_model import AvatarModel
    from tracker.loop_mode import LoopMode, why_open
    from tracker.refined_tracker import Likeness
    from visavis.worn_avatar import find_avatar

    avatar_id, model = find_avatar(avatar)
    reason = why_open(LoopMode(mode.value), person, avatar_id)
    if reason is None and isinstance(model, AvatarModel):
        return Likeness.of(model, avatar_id, person)
    typer.echo(f"visavis: The closed loop is off: {reason or 'it is for avatars of profile linear'}.", err=True)
    return None
