"""The header of a stream file: what its frames are, checked before any of them is read (docs/stream-file.md)."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from codec.avatar_id import is_avatar_id
from codec.errors import BitstreamError
from codec.quantizer import StreamConfig
from codec.stream_config import FrameConfig, carries_all, dims_of, pack_config, profile_of, unpack_config

MAGIC = b"\x89VVS"
VERSION = 1

MIN_FRAME_RATE, MAX_FRAME_RATE = 0.1, 1000.0
MAX_FRAMES = 200_000
"""Two hours at 25 frames a second, with room."""

MAX_NAME_BYTES = 64

_START = struct.Struct("<4sBBBBII32sB")
_EXTENSION = struct.Struct("<H")
_HAS_GAZE, _HAS_TORSO = 0x01, 0x02


@dataclass(frozen=True)
class StreamHeader:
    """What holds for all frames of a stream.

    Args:
        head_model_id: hex SHA-256 of the head model that the parameters are for.
        extractor: what made them (tracker.extractor), at most MAX_NAME_BYTES in UTF-8.
        frame_rate: nominal frames a second, kept in thousandths.
        config: how frames are coded, and how exactly.
        gaze: frames carry the gaze, which the paper's parameters lack; without it the eyes look straight ahead.
        torso: frames carry the shoulders' own motion; without it they have none. Those of profile `range` always carry
            both.

    Raises:
        ValueError: a value that no header can hold.
    """

    head_model_id: str
    extractor: str
    frame_rate: float
    config: FrameConfig = field(default_factory=StreamConfig)
    gaze: bool = True
    torso: bool = False

    def __post_init__(self) -> None:
        if not is_avatar_id(self.head_model_id):
            raise ValueError(f"{self.head_model_id[:80]!r} is no hex SHA-256")
        if len(self.extractor.encode()) > MAX_NAME_BYTES:
            raise ValueError(f"the extractor's name has more than {MAX_NAME_BYTES} bytes")
        if not MIN_FRAME_RATE <= self.frame_rate <= MAX_FRAME_RATE:
            raise ValueError(f"{self.frame_rate} frames a second, expected {MIN_FRAME_RATE} to {MAX_FRAME_RATE}")
        if carries_all(self.config) and not (self.gaze and self.torso):
            raise ValueError("frames of profile range always carry gaze and torso")

    @property
    def profile(self) -> str:
        """How frames are coded, one of codec.stream_config.PROFILES."""
        return profile_of(self.config)

    @property
    def expression_dims(self) -> int:
        """E, the number of expression coefficients."""
        return dims_of(self.config)

    @property
    def interval_ms(self) -> int:
        """Nominal time between frames, halves rounded up; from integers, so that it is the same everywhere."""
        frames_per_1000_s = round(1000 * self.frame_rate)
        return (2_000_000 + frames_per_1000_s) // (2 * frames_per_1000_s)

    def pack(self, frames: int) -> bytes:
        """The bytes that stand before the frames, of which there are `frames`."""
        name = self.extractor.encode()
        start = _START.pack(
            MAGIC,
            VERSION,
            *pack_config(self.config),
            (_HAS_GAZE if self.gaze else 0) | (_HAS_TORSO if self.torso else 0),
            round(1000 * self.frame_rate),
            frames,
            bytes.fromhex(self.head_model_id),
            len(name),
        )
        return start + name + _EXTENSION.pack(0)


def unpack_header(data: bytes) -> tuple[StreamHeader, int, int]:
    """The header, the number of frames that it announces, and where they begin.

    Raises:
        BitstreamError: `truncated`, `bad_magic`, `bad_version`, `bad_profile`, `bad_config`, `bad_header` or
            `too_long`.
    """
    if data[: len(MAGIC)] != MAGIC[: len(data)] or not data:
        raise BitstreamError("bad_magic", "This is not a stream file")
    if len(data) > len(MAGIC) and data[len(MAGIC)] != VERSION:
        version = data[len(MAGIC)]
        raise BitstreamError("bad_version", f"The stream file has version {version}; this program reads {VERSION}")
    _need(data, _START.size)
    fields: tuple[bytes, int, int, int, int, int, int, bytes, int] = _START.unpack_from(data)
    _, _, profile, code, flags, rate, frames, head, name_size = fields
    config = unpack_config(profile, code)
    if flags & ~(_HAS_GAZE | _HAS_TORSO):
        raise BitstreamError("bad_header", "The stream file sets a reserved flag")
    carried = bool(flags & _HAS_GAZE), bool(flags & _HAS_TORSO)
    if carries_all(config) and not all(carried):
        raise BitstreamError("bad_header", "The stream file of profile range lacks gaze or torso")
    if not MIN_FRAME_RATE <= rate / 1000 <= MAX_FRAME_RATE:
        raise BitstreamError("bad_header", f"The stream file has {rate / 1000} frames a second")
    if frames > MAX_FRAMES:
        raise BitstreamError("too_long", f"The stream file announces {frames} frames; {MAX_FRAMES} are allowed")
    name_end = _START.size + name_size
    _need(data, name_end + _EXTENSION.size)
    name = _text(data[_START.size : name_end])
    begin = name_end + _EXTENSION.size + _EXTENSION.unpack_from(data, name_end)[0]
    _need(data, begin)
    return StreamHeader(head.hex(), name, rate / 1000, config, *carried), frames, begin


def _need(data: bytes, size: int) -> None:
    if len(data) < size:
        raise BitstreamError("truncated", "The stream file ends within its header")


def _text(name: bytes) -> str:
    if len(name) > MAX_NAME_BYTES:
        raise BitstreamError("bad_header", f"The extractor's name has more than {MAX_NAME_BYTES} bytes")
    try:
        text = name.decode()
    except UnicodeDecodeError as error:
        raise BitstreamError("bad_header", "The extractor's name is not UTF-8") from error
    if not text.isprintable():
        raise BitstreamError("bad_header", "The extractor's name holds a control character")
    return text
