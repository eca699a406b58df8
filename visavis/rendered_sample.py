"""A stand-in for the sample recording where npm is absent: a guest avatar that talks, blinks and looks around."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from avatar_store.guests import guest_bytes, list_guests
from codec.avatar_file import unpack_avatar
from codec.params import FaceParams
from renderer.avatar.avatar_model import AvatarModel
from renderer.avatar.frame_renderer import FrameRenderer
from renderer.camera import Camera
from renderer.head.model import HeadModel
from renderer.head.open_head import load_open_head

RATE = 25
SECONDS = 12
SIZE = 480
DISTANCE_M = 0.65
BACKGROUND = (0.72, 0.74, 0.78)


def scripted_params(head: HeadModel, time_s: float) -> FaceParams:
    """The face at `time_s`: slow head turns, speech-like jaw, a smile now and then, a blink every three seconds."""
    scores = np.zeros(len(head.blendshape_names), np.float32)

    def set_score(name: str, value: float) -> None:
        scores[head.blendshape_names.index(name)] = value

    speech = max(0.0, np.sin(2 * np.pi * 2.3 * time_s) * np.sin(2 * np.pi * 0.21 * time_s))
    smile = max(0.0, np.sin(2 * np.pi * time_s / 6)) ** 2
    blink = np.exp(-(((time_s % 3.0) - 1.5) ** 2) / (2 * 0.06**2))
    set_score("jawOpen", 0.6 * speech)
    for side in ("Left", "Right"):
        set_score(f"mouthSmile{side}", 0.7 * smile)
        set_score(f"eyeBlink{side}", float(blink))
    vector = FaceParams.neutral(distance_m=DISTANCE_M).to_vector() + scores @ head.blendshape_params
    params = FaceParams.from_vector(vector.astype(np.float32))
    turn = np.array([0.08 * np.sin(1.1 * time_s), 0.35 * np.sin(0.9 * time_s), 0.05 * np.sin(0.7 * time_s)], np.float32)
    return FaceParams(params.expression, turn, params.translation, params.jaw_pose, params.eyelids, params.gaze)


def render_sample(out: Path, console: Console, *, seconds: float = SECONDS) -> Path:
    """Writes the recording as H.264 at 25 fps, 480x480, silent; returns `out`."""
    head = load_open_head()
    guest = list_guests()[0]
    renderer = FrameRenderer(AvatarModel(head, unpack_avatar(guest_bytes(guest.avatar_id))), max_size=SIZE)
    camera = Camera.looking_from_lens(SIZE, SIZE, 1.1 * SIZE)
    with av.open(str(out), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"crf": "18", "preset": "veryfast"})
        stream.width = stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        frames = range(int(seconds * RATE))
        for index in track(frames, "rendering the recording", console=console, transient=True):
            picture: NDArray[np.uint8] = renderer.render_rgb(scripted_params(head, index / RATE), camera, BACKGROUND)
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    return out
