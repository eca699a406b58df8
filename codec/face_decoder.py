"""Packets to face parameters: the receiving end of `codec.face_encoder`."""

from __future__ import annotations

from dataclasses import replace

from codec.errors import UnknownReference
from codec.frame_coding import QuantizedFrame, decode_delta, decode_key
from codec.frame_memory import DecodedFrames
from codec.packet import Ack, Packet, PacketKind
from codec.sequence import add
from codec.torso_coding import decode_extension


class FaceDecoder:
    """Decodes one direction from one sender. Sans-IO."""

    def __init__(self) -> None:
        self._frames = DecodedFrames[QuantizedFrame]()

    def decode(self, packet: Packet) -> QuantizedFrame:
        """Decodes a KEY or DELTA packet and remembers the frame.

        Raises:
            UnknownReference: a delta to a frame that was not decoded or is forgotten.
            BitstreamError: the payload or the extension is malformed; nothing changes.
        """
        if packet.kind is PacketKind.KEY:
            frame = decode_key(packet.payload)
            torso = decode_extension(packet.extension)
        elif packet.kind is PacketKind.DELTA:
            reference = self._frames.get(add(packet.sequence, -packet.reference_offset))
            if reference is None:
                raise UnknownReference(f"Frame {packet.sequence} refers to a frame that was not decoded")
            frame = decode_delta(packet.payload, reference)
            torso = decode_extension(packet.extension, reference.torso)
        else:
            raise ValueError(f"{packet.kind.name} packets carry no frame")
        frame = replace(frame, torso=torso)
        self._frames.add(packet.sequence, frame)
        return frame

    def acknowledgement(self) -> Ack | None:
        """What to tell the sender; None before the first frame."""
        newest = self._frames.newest
        if newest is None:
            return None
        return Ack(newest, sum((add(newest, -1 - i) in self._frames) << i for i in range(8)))

    def restart(self) -> None:
        """Forgets all frames, for a sender that starts over."""
        self._frames.clear()
