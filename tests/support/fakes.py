"""Stand-ins for what is slow or needs a face: videos of plain gray, a tracker that reads the gray, tiny avatars."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from codec.avatar_asset import AvatarAsset
from codec.avatar_file import avatar_id, pack_avatar
from codec.motion_basis import MotionBasis
from codec.params import FaceParams
from renderer.background import Background
from renderer.camera import Camera
from renderer.head.model import HeadModel

RATE = 25
AUDIO_RATE = 48_000


def gray_at(index: int) -> int:
    """The gray of picture `index`: a slow ramp that a codec keeps."""
    return 40 + 4 * (index % 40)


def rgb_of_luma(luma: float) -> float:
    """The gray that a tracker sees in a picture of this luma (BT.601, limited range)."""
    return (luma - 16) * 255 / 219


def write_video(
    path: Path, seconds: float = 2.0, *, audio: bool = False, size: int = 64, gray: Callable[[int], int] = gray_at
) -> Path:
    """An MP4 of plain gray pictures at 25 a second; with `audio`, a tone that begins with the first picture."""
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        video = container.add_stream("libx264", rate=RATE, options={"preset": "ultrafast", "bf": "0"})
        video.width = video.height = size
        video.pix_fmt = "yuv420p"
        sound = container.add_stream("aac", rate=AUDIO_RATE, layout="mono") if audio else None
        for index in range(round(seconds * RATE)):
            picture = np.full((size * 3 // 2, size), 128, np.uint8)
            picture[:size] = gray(index)
            frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
            frame.pts, frame.time_base = index, Fraction(1, RATE)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if sound is not None:
            for chunk in tone(seconds):
                container.mux(sound.encode(chunk))
            container.mux(sound.encode(None))
    return path


def tone(seconds: float, hertz: float = 440.0) -> Iterator[av.AudioFrame]:
    """A sine in frames of 1024 samples."""
    for start in range(0, round(seconds * AUDIO_RATE), 1024):
        times = (start + np.arange(1024)) / AUDIO_RATE
        samples = (10_000 * np.sin(2 * np.pi * hertz * times)).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = AUDIO_RATE, start, Fraction(1, AUDIO_RATE)
        yield frame


def face_of_gray(gray: float) -> FaceParams:
    """The face that FakeTracker sees in a picture of this gray: the jaw opens with it."""
    jaw = np.array([0.5 * gray / 255, 0.0, 0.0], np.float32)
    return replace(FaceParams.neutral(), jaw_pose=jaw)


@dataclass
class FakeTracker:
    """Reads the face off the picture's gray; a black picture shows none."""

    closed: bool = False

    def track(self, image_rgb: NDArray[np.uint8], timestamp_s: float) -> FakeResult:
        gray = float(image_rgb.mean())
        return FakeResult(face_of_gray(gray) if gray > 8 else None)

    def close(self) -> None:
        self.closed = True


@dataclass
class FakeResult:
    """What FaceTracker's result has that the client uses."""

    params: FaceParams | None


@dataclass
class FakeRenderer:
    """Paints the jaw's opening as gray."""

    faces: list[FaceParams] = field(default_factory=list)
    views: list[tuple[Camera, Background]] = field(default_factory=list)

    def render(self, params, camera, background, planes) -> None:
        self.faces.append(params)
        self.render_view(camera, background, planes)

    def render_view(self, camera, background, planes) -> None:
        assert (camera.width, camera.height) == (planes.width, planes.height)
        self.views.append((camera, background))
        planes.y[:] = round(float(self.faces[-1].jaw_pose[0]) * 255 / 0.5)
        planes.u[:], planes.v[:] = 128, 128


def tiny_avatar(head: HeadModel, name: str, count: int = 64, motions: MotionBasis | None = None) -> tuple[str, bytes]:
    """(id, file) of an avatar with a few Gaussians; the name makes it unlike others."""
    rng = np.random.default_rng(len(name))
    asset = AvatarAsset(
        head_model_id=head.model_id,
        name=name,
        shape_offsets=np.zeros_like(head.v_template),
        faces_bound=np.arange(count, dtype=np.int32),
        barycentrics=np.full((count, 3), 1 / 3, np.float32),
        local_means=np.zeros((count, 3), np.float32),
        local_quats=np.tile(np.array([1, 0, 0, 0], np.float32), (count, 1)),
        log_scales=np.full((count, 3), -6.0, np.float32),
        logit_opacities=np.full(count, 2.0, np.float32),
        sh0=rng.normal(size=(count, 3)).astype(np.float32),
        rigid_to_skull=np.zeros(count, bool),
        grid_uv=np.full((count, 2), 0.5, np.float32),
        basis_grid=np.zeros((0, 9, 4, 4), np.float16),
        basis_weights=np.zeros((0, 65), np.float32),
        motion_basis=motions,
    )
    data = pack_avatar(asset)
    return avatar_id(data), data


def write_guests(directory: Path, head: HeadModel) -> str:
    """A directory with one guest avatar, as avatar_store.guests wants it; returns its id."""
    directory.mkdir(parents=True, exist_ok=True)
    guest_id, data = tiny_avatar(head, "Guest")
    (directory / "guest.vav").write_bytes(data)
    entry = {"avatar_id": guest_id, "name": "Guest", "file": "guest.vav", "thumbnail": "guest.png"}
    (directory / "guests.json").write_text(json.dumps([entry]))
    return guest_id


class Happening:
    """A value that tests wait for: `await happening.until(condition)`."""

    def __init__(self) -> None:
        self.items: list = []
        self._loop = asyncio.get_running_loop()
        self._waiters: list[asyncio.Future[None]] = []

    def add(self, item: object) -> None:
        """Notes an item; in the event loop."""
        self.items.append(item)
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def add_threadsafe(self, item: object) -> None:
        """Notes an item from another thread."""
        self._loop.call_soon_threadsafe(self.add, item)

    async def until(self, condition: Callable[[list], bool], timeout_s: float = 10.0) -> list:
        """Waits until the noted items fulfil the condition."""
        async with asyncio.timeout(timeout_s):
            while not condition(self.items):
                waiter = self._loop.create_future()
                self._waiters.append(waiter)
                await waiter
        return self.items
