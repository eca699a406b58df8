"""Draws a stream on an avatar, from any side, into a video (visavis.picture_files)."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from client.view.backdrop import DEPTH_SHARE
from client.view.head_view import i420_planes
from codec.params import FaceParams
from codec.stream_file import FaceStream
from renderer.avatar.avatar_model import AvatarModel
from renderer.avatar.frame_renderer import FrameRenderer
from renderer.avatar.paper_model import PaperAvatarModel
from renderer.background import Background, cover
from renderer.camera import Camera
from renderer.framing import DEFAULT_DISTANCE_M, Framing
from visavis.errors import CommandError
from visavis.face_timeline import FaceTimeline
from visavis.picture_files import I420, RGBA, check_pictures, open_pictures, wanted_format


class Stereo(StrEnum):
    """Whether there is a picture for each eye, side by side, and how wide each of them is."""

    NO = "no"
    FULL = "full"
    HALF = "half"


@dataclass(frozen=True)
class CameraPath:
    """From where to look, over time. Angles are in radians, with the signs of renderer.camera.Camera.orbit.

    Args:
        yaw, pitch: around the head, from the direction in which the person's lens sees it.
        distance_m: from the head's center.
        swing: the camera swings by so much to both sides, sinusoidally.
        swing_s: period of that.
        turn_s: the camera goes around the head once in this time; None: it does not.
        eye_contact: stand where the person's lens was; the distance becomes a magnification.
    """

    yaw: float = 0.0
    pitch: float = 0.0
    distance_m: float = DEFAULT_DISTANCE_M
    swing: float = 0.0
    swing_s: float = 6.0
    turn_s: float | None = None
    eye_contact: bool = False

    def camera(self, framing: Framing, size: int, time_s: float) -> Camera:
        """The view [size, size] of one instant."""
        yaw = self.yaw + self.swing * math.sin(math.tau * time_s / self.swing_s)
        if self.turn_s is not None:
            yaw += math.tau * time_s / self.turn_s
        if self.eye_contact:
            return framing.eye_contact(size, yaw, self.pitch, DEFAULT_DISTANCE_M / self.distance_m)
        return framing.camera(yaw, self.pitch, self.distance_m, size)


@dataclass(frozen=True, eq=False)
class RenderJob:
    """What to draw, how, and what to write.

    Args:
        avatar: whose head.
        stream: the face.
        source: the file that the stream is from.
        out: the video or folder to write.
        size: width and height of a view, pixels, a multiple of 4.
        frame_rate: pictures a second.
        path: from where to look.
        stereo: pictures for two eyes.
        background: a color, a picture [H, W, 3] of any size, or None for a transparent video.
        threads: how many may draw a picture together.
    """

    avatar: AvatarModel | PaperAvatarModel
    stream: FaceStream
    source: Path
    out: Path
    size: int
    frame_rate: float
    path: CameraPath
    stereo: Stereo
    background: Background | None
    threads: int = 1

    @property
    def width(self) -> int:
        """Of the whole picture, pixels."""
        return 2 * self.size if self.stereo is Stereo.FULL else self.size


@dataclass(frozen=True)
class RenderSummary:
    """What came out.

    Args:
        pictures: number of pictures.
        seconds: length of the video.
        width, height: pixels.
        work_s: time that it took.
        file: what was written.
    """

    pictures: int
    seconds: float
    width: int
    height: int
    work_s: float
    file: str


def check_job(job: RenderJob) -> str:
    """Makes sure that the video can be made, before anything is; returns the format of its pictures.

    Raises:
        CommandError: the stream is for another head model or shows no face, or the output cannot be written.
    """
    pixels = wanted_format(job.out, job.background is None)
    check_pictures(job.out, reads=job.source)
    wanted, found = job.avatar.head.model_id, job.stream.header.head_model_id
    if found != wanted:
        raise CommandError(
            f"{job.source.name} is for another head model ({found[:12]}) than the avatar's ({wanted[:12]}, "
            f"{job.avatar.head.name}): track the recording for that one, or name another avatar."
        )
    if not job.stream.detected.any():
        raise CommandError(f"{job.source.name} shows no face in any of its {len(job.stream)} frames.")
    return pixels


def render_stream(job: RenderJob, on_picture: Callable[[int, int], None] = lambda done, total: None) -> RenderSummary:
    """Draws the stream from its start to its end. What is interrupted or fails leaves nothing.

    Args:
        job: what to do.
        on_picture: told the number of pictures done and the number of all.

    Raises:
        CommandError: see check_job; or the output cannot be written after all.
    """
    pixels = check_job(job)
    started = time.monotonic()
    rate = Fraction(job.frame_rate).limit_denominator(1001)
    total = max(1, round(job.stream.duration_s * rate))
    artist = _Artist(job, pixels)
    timeline, framing = FaceTimeline(job.stream), Framing()
    with open_pictures(job.out, (job.width, job.size), rate, pixels) as pictures:
        for index in range(total):
            now = float(index / rate)
            params = timeline.at(now)
            framing.observe(params.translation, now)
            pictures.write(artist.draw(params, framing, job.path.camera(framing, job.size, now)))
            on_picture(index + 1, total)
    work_s = round(time.monotonic() - started, 3)
    return RenderSummary(total, round(float(total / rate), 3), job.width, job.size, work_s, str(job.out))


class _Artist:
    """Draws the views of an instant into one picture, whose memory is used again for the next one."""

    def __init__(self, job: RenderJob, pixels: str) -> None:
        self._stereo, self._pixels = job.stereo, pixels
        self._renderer = FrameRenderer(job.avatar, job.size, job.threads)
        behind = (0.0, 0.0, 0.0) if job.background is None else job.background
        self._backgrounds = backdrops(behind, job.size, job.stereo)
        shape = {I420: (job.size * 3 // 2, job.width), RGBA: (job.size, job.width, 4)}
        self._picture = np.empty(shape.get(pixels, (job.size, job.width, 3)), np.uint8)

    def draw(self, params: FaceParams, framing: Framing, camera: Camera) -> NDArray[np.uint8]:
        """The picture of one instant, to be used before the next one is drawn."""
        cameras = (camera,) if self._stereo is Stereo.NO else framing.stereo(camera)
        x = 0
        for number, (view, background) in enumerate(zip(cameras, self._backgrounds, strict=True)):
            view = view.squeezed() if self._stereo is Stereo.HALF else view
            part = self._picture[:, x : x + view.width]
            if self._pixels == RGBA:
                part[:] = self._renderer.render_rgba(params, view)
            elif self._pixels != I420:
                part[:] = self._renderer.render_rgb(params, view, background)
            else:
                planes = i420_planes(self._picture, x, 0, view.width, view.height)
                if number:
                    self._renderer.render_view(view, background, planes)
                else:
                    self._renderer.render(params, view, background, planes)
            x += view.width
        return self._picture


def backdrops(background: Background, size: int, stereo: Stereo) -> tuple[Background, ...]:
    """What stands behind the head in each view: a color, or [size, width of the view, 3] of the picture's middle.

    In stereo the picture stands well behind the head.
    """
    if isinstance(background, tuple):
        return (background,) if stereo is Stereo.NO else (background, background)
    if stereo is Stereo.NO:
        return (cover(background, size, size),)
    shift = round(DEPTH_SHARE * size)
    wide = cover(background, size + shift, size)
    width = size // 2 if stereo is Stereo.HALF else size
    left, right = (
        np.ascontiguousarray(cv2.resize(eye, (width, size), interpolation=cv2.INTER_AREA), np.uint8)
        for eye in (wide[:, shift:], wide[:, :size])
    )
    return left, right
