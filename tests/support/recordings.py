"""Recordings of a drawn person, as files."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from avatar_store.guests import guest_bytes, list_guests
from codec.avatar_file import unpack_avatar
from codec.params import FaceParams
from renderer.avatar.avatar_model import AvatarModel
from renderer.avatar.frame_renderer import FrameRenderer
from renderer.camera import Camera
from renderer.head.open_head import load_open_head
from visavis.rendered_sample import BACKGROUND, scripted_params

RATE, SIDE = 25, 320
Picture = NDArray[np.uint8]


def scripted(index: int) -> FaceParams:
    """What the drawn person does in a picture."""
    return scripted_params(load_open_head(), index / RATE)


@lru_cache(maxsize=1)
def drawn_person(count: int = 100) -> tuple[Picture, ...]:
    """`count` pictures [SIDE, SIDE, 3] of a guest who talks and turns."""
    head = load_open_head()
    avatar = unpack_avatar(guest_bytes(list_guests()[0].avatar_id))
    renderer = FrameRenderer(AvatarModel(head, avatar), max_size=SIDE)
    camera = Camera.looking_from_lens(SIDE, SIDE, 1.1 * SIDE)
    return tuple(renderer.render_rgb(scripted(index), camera, BACKGROUND).copy() for index in range(count))


def empty_room(shape: tuple[int, int] = (SIDE, SIDE)) -> Picture:
    """[H, W, 3] nothing but the drawn person's background."""
    return np.broadcast_to(np.round(255 * np.array(BACKGROUND)).astype(np.uint8), (*shape, 3)).copy()


def write_recording(path: Path, pictures: Iterable[Picture], rate: int = RATE, *, quarter_turns: int = 0) -> Path:
    """An MP4 with its index in front.

    Args:
        path: the file.
        pictures: [H, W, 3] each, even sizes.
        rate: pictures a second.
        quarter_turns: 1 stores them turned by 90 degrees, with the flag that turns them upright again.
    """
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = None
        for index, picture in enumerate(pictures):
            stored = np.ascontiguousarray(np.rot90(picture, quarter_turns))
            if stream is None:
                stream = container.add_stream("libx264", rate=rate, options={"crf": "14", "preset": "veryfast"})
                stream.height, stream.width = stored.shape[:2]
                stream.pix_fmt = "yuv420p"
            frame = av.VideoFrame.from_ndarray(stored, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, rate)
            container.mux(stream.encode(frame))
        assert stream is not None
        container.mux(stream.encode(None))
    if quarter_turns:
        assert quarter_turns == 1
        content = bytearray(path.read_bytes())
        matrix = content.index(b"tkhd") + 4 + 40
        content[matrix : matrix + 16] = struct.pack(">4i", 0, 1 << 16, 0, -(1 << 16))
        path.write_bytes(content)
    return path
