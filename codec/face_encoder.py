"""Face parameters to frames that survive loss: every delta refers to a frame that the receiver has acknowledged."""

from __future__ import annotations

from dataclasses import dataclass

from codec.frame_coding import QuantizedFrame, encode_delta, encode_key, key_bytes
from codec.frame_memory import SentFrames
from codec.packet import MAX_REFERENCE_OFFSET, Ack, PacketKind
from codec.params import FaceParams
from codec.quantizer import StreamConfig
from codec.sequence import distance
from codec.torso_coding import encode_extension


@dataclass(frozen=True)
class EncodedFrame:
    """One coded frame, ready for a packet.

    Args:
        kind: KEY or DELTA.
        reference_offset: distance to the reference in sequence numbers, 0 for KEY.
        payload: the coded symbols.
        extension: the coded torso, if there is anything to say about it.
    """

    kind: PacketKind
    reference_offset: int
    payload: bytes
    extension: bytes = b""


class FaceEncoder:
    """Codes one direction to one receiver. Sans-IO.

    Until something is acknowledged, when the newest acknowledged frame is more than MAX_REFERENCE_OFFSET packets back,
    and when it would be shorter, a frame is a key frame.

    Args:
        expression_dims: E to send; other lengths are cut or filled with zeros.
        expression_bits: 8 or 10.

    Raises:
        ValueError: arguments that StreamConfig refuses.
    """

    def __init__(self, expression_dims: int = 50, expression_bits: int = 8) -> None:
        self._config = StreamConfig(expression_dims, expression_bits)
        self._frames = SentFrames[QuantizedFrame](MAX_REFERENCE_OFFSET)

    def encode(self, params: FaceParams, sequence: int) -> EncodedFrame:
        """Codes the frame that packet `sequence` carries; sequence numbers ascend (modulo 2**16)."""
        frame = QuantizedFrame.of(params, self._config)
        self._frames.forget_old(sequence)
        reference, self._frames[sequence] = self._frames.reference, frame
        if reference is not None:
            payload = encode_delta(frame, self._frames[reference])
            if len(payload) < key_bytes(self._config):
                extension = encode_extension(frame.torso, self._frames[reference].torso)
                return EncodedFrame(PacketKind.DELTA, distance(sequence, reference), payload, extension)
        return EncodedFrame(PacketKind.KEY, 0, encode_key(frame), encode_extension(frame.torso))

    def acknowledge(self, ack: Ack) -> None:
        """Learns what the receiver has decoded; acknowledgements of unknown or older frames change nothing."""
        self._frames.acknowledge(ack)

    def request_key(self) -> None:
        """Makes every frame a key frame until one that is sent from now on is acknowledged."""
        self._frames.clear()

    def quantized(self, sequence: int) -> QuantizedFrame | None:
        """The frame that packet `sequence` carried, while it is remembered."""
        return self._frames.get(sequence)
