"""The frames of a stream file as its profiles code them: what follows their kind and time (docs/stream-file.md)."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

from codec.bits import BitReader, BitWriter
from codec.errors import BitstreamError
from codec.exp_golomb import MAX_PREFIX
from codec.frame_coding import QuantizedFrame, read_differences, read_symbols, write_differences, write_symbols
from codec.params import GAZE_SIZE, FaceParams
from codec.quantizer import STILL_TORSO, TORSO, StreamConfig, quantizer_for
from codec.range_frame import RangeFrame, decode_frame, encode_frame, predicted
from codec.range_steps import RangeConfig
from codec.stream_header import StreamHeader
from codec.torso_coding import read_torso, write_torso
from codec.varint import pack_varint, unpack_varint

MAX_PAYLOAD_BYTES = 1024
"""Of a frame of profile `range`: even one of 71 parameters that all need their longest code is shorter."""

FrameT = TypeVar("FrameT")


class StreamFrames(Protocol[FrameT]):
    """One profile: faces to bytes and back, each one by itself or as differences to the face before it."""

    def write(self, face: FaceParams, reference: FrameT | None) -> tuple[bytes, FrameT]:
        """The bytes of a delta frame to `reference`, or without one of a key frame; and the frame that they hold."""
        ...

    def read(self, data: bytes, offset: int, reference: FrameT | None) -> tuple[FrameT, int]:
        """Inverse of `write` for what begins at `offset`: the frame, and where it ends.

        Raises:
            BitstreamError: `bad_symbol`, `too_long`, `trailing` or `truncated`.
        """
        ...

    def face(self, frame: FrameT) -> FaceParams:
        """What a frame stands for."""
        ...


def frames_of(header: StreamHeader) -> StreamFrames[Any]:
    """The profile of a stream."""
    if isinstance(header.config, RangeConfig):
        return RangeFrames(header.config)
    return Eg0Frames(header.config, header.gaze, header.torso)


class Eg0Frames:
    """Profile `eg0`: symbols of fixed length, differences as Exp-Golomb codes, zero bits up to a whole byte.

    Args:
        config: expression coefficients and their bits.
        gaze: frames carry the gaze.
        torso: frames carry the torso.
    """

    def __init__(self, config: StreamConfig, gaze: bool, torso: bool) -> None:
        quantizer = quantizer_for(config)
        self._count = len(quantizer.bits) - (0 if gaze else GAZE_SIZE)
        self._bits, self._limits = quantizer.bits[: self._count], quantizer.max_symbols[: self._count]
        self._missing = quantizer.quantize(FaceParams.neutral())[self._count :]
        self._config, self._has_torso = config, torso
        most = self._count + (len(TORSO.bits) if torso else 0)
        self._longest = (1 + most * (2 * MAX_PREFIX + 1)) // 8 + 1  # no fixed length is longer than the longest code

    def write(self, face: FaceParams, reference: QuantizedFrame | None) -> tuple[bytes, QuantizedFrame]:
        """See StreamFrames."""
        frame, writer = QuantizedFrame.of(face, self._config), BitWriter()
        if reference is None:
            write_symbols(writer, frame.symbols[: self._count], self._bits)
        else:
            write_differences(writer, frame.symbols[: self._count], reference.symbols[: self._count])
        if self._has_torso:
            write_torso(writer, frame.torso, reference.torso if reference else None)
        return writer.to_bytes(), frame

    def read(self, data: bytes, offset: int, reference: QuantizedFrame | None) -> tuple[QuantizedFrame, int]:
        """See StreamFrames."""
        reader, torso = BitReader(data[offset : offset + self._longest]), STILL_TORSO
        if reference is None:
            symbols = read_symbols(reader, self._bits, self._limits)
        else:
            symbols = read_differences(reader, reference.symbols[: self._count], self._limits)
        if self._has_torso:
            torso = read_torso(reader, reference.torso if reference else None)
        return QuantizedFrame(self._config, symbols + self._missing, torso), offset + reader.align()

    def face(self, frame: QuantizedFrame) -> FaceParams:
        """See StreamFrames."""
        return frame.to_params()


class RangeFrames:
    """Profile `range`: a length in bytes, then the range-coded frame.

    Args:
        config: expression coefficients and quality.
    """

    def __init__(self, config: RangeConfig) -> None:
        self._config = config

    def write(self, face: FaceParams, reference: RangeFrame | None) -> tuple[bytes, RangeFrame]:
        """See StreamFrames."""
        distance = _distance(reference)
        symbols = self._config.steps.symbols(face, predicted(self._config, reference, distance))
        payload, frame = encode_frame(self._config, symbols, reference, distance)
        return pack_varint(len(payload)) + payload, frame

    def read(self, data: bytes, offset: int, reference: RangeFrame | None) -> tuple[RangeFrame, int]:
        """See StreamFrames."""
        size, begin = unpack_varint(data, offset, "too_long")
        if size > MAX_PAYLOAD_BYTES:
            raise BitstreamError("too_long", f"A frame of {size} bytes; {MAX_PAYLOAD_BYTES} are allowed")
        end = begin + size
        if end > len(data):
            raise BitstreamError("truncated", "The stream file ends within a frame")
        return decode_frame(self._config, data[begin:end], reference, _distance(reference)), end

    def face(self, frame: RangeFrame) -> FaceParams:
        """See StreamFrames."""
        return self._config.steps.params(frame.symbols)


def _distance(reference: RangeFrame | None) -> int:
    """To the face before, however long ago that was; 0 without one."""
    return 0 if reference is None else 1
