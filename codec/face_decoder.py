"""Packets to face parameters: the receiving end of `codec.face_encoder`."""

from __future__ import annotations

from dataclasses import replace

from codec.errors import UnknownReference
from codec.frame_coding import QuantizedFrame, decode_delta, decode_key
from codec.packet import Ack, Packet, PacketKind
from codec.sequence import WINDOW, add, distance, is_newer
from codec.torso_coding import decode_extension


class FaceDecoder:
    """Decodes one direction from one sender. Sans-IO.

    It keeps the frames of the last WINDOW sequence numbers. A sender refers at most half as far back, so a packet that
    arrives late still finds its reference.
    """

    def __init__(self) -> None:
        self._frames: dict[int, QuantizedFrame] = {}
        self._newest: int | None = None

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
        self._remember(packet.sequence, frame)
        return frame

    def acknowledgement(self) -> Ack | None:
        """What to tell the sender; None before the first frame."""
        if self._newest is None:
            return None
        earlier = sum((add(self._newest, -1 - i) in self._frames) << i for i in range(8))
        return Ack(self._newest, earlier)

    def restart(self) -> None:
        """Forgets all frames, for a sender that starts over."""
        self._frames.clear()
        self._newest = None

    def _remember(self, sequence: int, frame: QuantizedFrame) -> None:
        if self._newest is None or is_newer(sequence, self._newest):
            self._newest = sequence
        self._frames[sequence] = frame
        for old in list(self._frames):
            if not 0 <= distance(self._newest, old) < WINDOW:
                del self._frames[old]
