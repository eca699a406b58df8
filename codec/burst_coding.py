"""Frames of profile `range` to bursts and back, so that whatever is lost, what arrives can be decoded. Sans-IO.

The first frame of a burst refers to the last frame of a packet that the receiver has acknowledged, as decoded from that
packet. A frame that is sent again in the next burst may have other symbols there, which is why references are packets
and not frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from codec.burst_packet import MAX_REFERENCE_DISTANCE, MAX_REFERENCE_OFFSET, Burst, BurstPacket
from codec.errors import UnknownReference
from codec.frame_memory import DecodedFrames, SentFrames
from codec.packet import Ack
from codec.params import FaceParams
from codec.range_coder import RangeDecoder, RangeEncoder
from codec.range_frame import RangeFrame, predicted, read_frame, write_frame
from codec.range_rescaling import rescaled
from codec.range_steps import RangeConfig
from codec.sequence import add, distance


@dataclass(frozen=True)
class NumberedFace:
    """A face to send.

    Args:
        number: grows by one from each face that is sent for the first time to the next.
        time_ms: when it was captured.
        params: the face.
    """

    number: int
    time_ms: int
    params: FaceParams


@dataclass(frozen=True)
class _Sent:
    number: int
    frame: RangeFrame


class BurstEncoder:
    """Codes one direction to one receiver. Until something is acknowledged, bursts begin with a key frame."""

    def __init__(self) -> None:
        self._sent = SentFrames[_Sent](MAX_REFERENCE_OFFSET)  # the last frame of each packet

    def encode(self, faces: Sequence[NumberedFace], config: RangeConfig, sequence: int) -> Burst:
        """The burst that packet `sequence` carries; sequence numbers ascend (modulo 2**16).

        Args:
            faces: in order, consecutively numbered. What the receiver is known to have is left out.
            config: what to code them with.
            sequence: of the packet.
        """
        self._sent.forget_old(sequence)
        reference, number = self._known(config, faces[-1].number)
        new = [face for face in faces if reference is None or face.number > number]
        gap = new[0].number - number if reference else 0
        offset = distance(sequence, self._sent.reference) if reference and self._sent.reference is not None else 0
        coder, last, back = RangeEncoder(), reference, gap
        for face in new:
            symbols = config.steps.symbols(face.params, predicted(config, last, back))
            last, back = write_frame(coder, config, symbols, last, back), 1
        assert last is not None
        self._sent[sequence] = _Sent(new[-1].number, last)
        intervals = tuple(face.time_ms - before.time_ms for before, face in pairwise(new))
        return Burst(config, offset, gap, intervals, coder.to_bytes())

    def _known(self, config: RangeConfig, newest: int) -> tuple[RangeFrame | None, int]:
        """The reference for a burst that ends with the face of number `newest`, and its own number."""
        if self._sent.reference is None:
            return None, 0
        sent = self._sent[self._sent.reference]
        usable = newest - sent.number <= MAX_REFERENCE_DISTANCE
        return (rescaled(sent.frame, config) if usable else None), sent.number

    def acknowledge(self, ack: Ack) -> None:
        """Learns what the receiver has decoded; acknowledgements of unknown or older packets change nothing."""
        self._sent.acknowledge(ack)

    def request_key(self) -> None:
        """Makes every burst begin with a key frame until one that is sent from now on is acknowledged."""
        self._sent.clear()


class BurstDecoder:
    """Decodes one direction from one sender."""

    def __init__(self) -> None:
        self._last = DecodedFrames[RangeFrame]()  # the last frame of each packet

    def decode(self, packet: BurstPacket) -> list[tuple[int, RangeFrame]]:
        """Time (modulo 2**32, or below 0) and frame of each frame of a packet of kind FACES, in order.

        Raises:
            UnknownReference: a burst that refers to a packet that was not decoded or is forgotten.
            BitstreamError: the payload is malformed; nothing changes.
        """
        burst = packet.burst
        if burst is None:
            raise ValueError(f"{packet.kind.name} packets carry no frame")
        frame = None
        if burst.reference_offset:
            known = self._last.get(add(packet.sequence, -burst.reference_offset))
            frame = None if known is None else rescaled(known, burst.config)
            if frame is None:
                raise UnknownReference(f"Packet {packet.sequence} refers to a frame that was not decoded")
        coder, back = RangeDecoder(burst.payload), burst.distance
        time_ms = packet.timestamp_ms - sum(burst.intervals_ms)
        frames: list[tuple[int, RangeFrame]] = []
        for interval_ms in (0, *burst.intervals_ms):
            time_ms += interval_ms
            frame, back = read_frame(coder, burst.config, frame, back), 1
            frames.append((time_ms, frame))
        coder.finish()
        self._last.add(packet.sequence, frames[-1][1])
        return frames

    def restart(self) -> None:
        """Forgets all frames, for a sender that starts over."""
        self._last.clear()
