"""`visavis render`: a stream file on an avatar, seen from any side, as a video."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.errors import CommandError
from visavis.picture_progress import picture_progress

if TYPE_CHECKING:
    from renderer.background import Background
    from visavis.render_stream import CameraPath, Stereo

SIZES = (64, 4096)
FRAME_RATES = (1.0, 240.0)

# The options that `visavis decode` has too.
Out = Annotated[
    Path, typer.Option("--out", "-o", help="The .mp4, .webm or .mov file, or the folder for PNG files, to write.")
]
Size = Annotated[int, typer.Option(help="Width and height, pixels, a multiple of 4.")]
Fps = Annotated[float | None, typer.Option(help="Pictures a second; default: the stream's.")]
Orbit = Annotated[
    str | None, typer.Option(metavar="DEGREES[:SECONDS]", help="Swing to both sides; the seconds are of a period.")
]
Turn = Annotated[float | None, typer.Option(metavar="SECONDS", help="Go around once in this time.")]
Yaw = Annotated[float, typer.Option(help="Degrees to the picture's right.")]
Pitch = Annotated[float, typer.Option(help="Degrees upwards.")]
Distance = Annotated[float, typer.Option(help="Meters from the head, 0.45 to 4.")]
EyeContact = Annotated[
    bool, typer.Option("--eye-contact", help="Look from where the camera was: who looks into it looks at you.")
]
InStereo = Annotated[bool, typer.Option("--stereo", help="A picture for each eye, side by side.")]
Half = Annotated[bool, typer.Option("--half", help="With --stereo: both in the width of one.")]
Behind = Annotated[str, typer.Option(help="`#rrggbb`, a JPEG or PNG picture, or `transparent` (.webm, .mov, PNG).")]
Threads = Annotated[int | None, typer.Option(min=1, max=8, help="How many draw; default: one for each core.")]


def render(
    avatar: Annotated[str, typer.Argument(help="A guest's name or id, or an avatar file (.vav).")],
    stream: Annotated[Path, typer.Option(help="A stream file (`visavis encode`), or a track file.")],
    out: Out = Path("head.mp4"),
    size: Size = 512,
    fps: Fps = None,
    orbit: Orbit = None,
    turn: Turn = None,
    yaw: Yaw = 0.0,
    pitch: Pitch = 0.0,
    distance: Distance = 0.95,
    eye_contact: EyeContact = False,
    stereo: InStereo = False,
    half: Half = False,
    background: Behind = "#20242c",
    threads: Threads = None,
) -> None:
    """Draw the face of a stream on an avatar, from any side (docs/stream-file.md)."""
    from renderer.team import usable_threads
    from visavis.face_streams import load_face_stream
    from visavis.render_stream import RenderJob, check_job, render_stream
    from visavis.worn_avatar import load_avatar

    if not SIZES[0] <= size <= SIZES[1] or size % 4:
        raise CommandError(f"--size is {SIZES[0]} to {SIZES[1]}, a multiple of 4.")
    path = _camera_path(orbit, turn, yaw, pitch, distance, eye_contact)
    eyes = _stereo(stereo, half)
    behind = _background(background)
    face = load_face_stream(stream)
    job = RenderJob(
        avatar=load_avatar(avatar),
        stream=face,
        source=stream,
        out=out,
        size=size,
        frame_rate=_frame_rate(fps, face.header.frame_rate),
        path=path,
        stereo=eyes,
        background=behind,
        threads=threads or usable_threads(),
    )
    check_job(job)
    with picture_progress(f"drawing {stream.name}") as on_picture:
        summary = render_stream(job, on_picture)
    typer.echo(
        f"{summary.pictures} pictures of {summary.width} x {summary.height}, {summary.seconds:.1f} s, "
        f"drawn in {summary.work_s:.1f} s ({summary.pictures / max(summary.work_s, 1e-3):.0f} a second)"
    )
    typer.echo(f"wrote {summary.file}")


def _camera_path(
    orbit: str | None, turn: float | None, yaw: float, pitch: float, distance: float, eye_contact: bool
) -> CameraPath:
    from renderer.framing import MAX_DISTANCE_M, MIN_DISTANCE_M
    from visavis.render_stream import CameraPath

    if not (abs(yaw) <= 360 and abs(pitch) <= 90):  # false for NaN, too
        raise CommandError("--yaw is -360 to 360 degrees, --pitch -90 to 90.")
    if not MIN_DISTANCE_M <= distance <= MAX_DISTANCE_M:
        raise CommandError(f"--distance is {MIN_DISTANCE_M} to {MAX_DISTANCE_M} m.")
    if orbit is not None and turn is not None:
        raise CommandError("--orbit swings and --turn goes around: name one of them.")
    if turn is not None and not 0.1 <= turn <= 86_400:
        raise CommandError("--turn is the seconds of one round, at least 0.1.")
    swing, swing_s = (0.0, 1.0) if orbit is None else _orbit(orbit)
    return CameraPath(math.radians(yaw), math.radians(pitch), distance, swing, swing_s, turn, eye_contact)


def _orbit(text: str) -> tuple[float, float]:
    degrees, _, seconds = text.partition(":")
    try:
        swing, swing_s = float(degrees), float(seconds or 6)
    except ValueError:
        swing = swing_s = math.nan
    if not (0 < swing <= 180 and 0.1 <= swing_s <= 86_400):
        raise CommandError("--orbit is DEGREES or DEGREES:SECONDS, for example 30 or 30:6.")
    return math.radians(swing), swing_s


def _stereo(stereo: bool, half: bool) -> Stereo:
    from visavis.render_stream import Stereo

    if half and not stereo:
        raise CommandError("--half is for --stereo: name both.")
    return Stereo.HALF if half else Stereo.FULL if stereo else Stereo.NO


def _frame_rate(wanted: float | None, usual: float) -> float:
    if wanted is None:
        return min(max(usual, FRAME_RATES[0]), FRAME_RATES[1])
    if not FRAME_RATES[0] <= wanted <= FRAME_RATES[1]:
        raise CommandError(f"--fps is {FRAME_RATES[0]:.0f} to {FRAME_RATES[1]:.0f}.")
    return wanted


def _background(text: str) -> Background | None:
    """A color, a picture, or None for transparent."""
    from renderer.background import read_picture

    if text == "transparent":
        return None
    if text.startswith("#"):
        digits = text[1:]
        if len(digits) != 6 or not all(digit in "0123456789abcdefABCDEF" for digit in digits):
            raise CommandError(f"{text} is no color: write six hexadecimal digits, for example #20242c.")
        red, green, blue = (value / 255 for value in bytes.fromhex(digits))
        return red, green, blue
    try:
        if Path(text).exists() and not Path(text).is_file():
            raise CommandError(f"{text} is no picture file.")
        return read_picture(Path(text))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise CommandError(f"{text} cannot be used as a background: {reason}.") from error
