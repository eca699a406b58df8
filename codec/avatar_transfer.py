"""An avatar file over the `avatar` channel, piece by piece (docs/protocol.md). Sans-IO, resumable from any offset."""

from __future__ import annotations

import struct

from codec.avatar_file import MAX_AVATAR_BYTES, avatar_id
from codec.errors import AvatarTransferError

CHUNK_BYTES = 1100
"""A message of this size and its header fit one SCTP packet; larger ones delay the face stream."""

_HEADER = struct.Struct("<II")


class AvatarSender:
    """Cuts a file into messages.

    Args:
        data: the avatar file.
        chunk: bytes of the file in each message.
        offset: where to begin, as the receiver asked (`avatar_get`).

    Raises:
        AvatarTransferError: `offset` is beyond the file, or the file is empty or too large to be sent.
    """

    def __init__(self, data: bytes, chunk: int = CHUNK_BYTES, offset: int = 0) -> None:
        if not 0 < len(data) <= MAX_AVATAR_BYTES:
            raise AvatarTransferError(f"An avatar of {len(data)} bytes cannot be sent")
        if not 0 <= offset <= len(data):
            raise AvatarTransferError(f"The peer asks for byte {offset} of an avatar of {len(data)} bytes")
        self._data = data
        self._chunk = chunk
        self._offset = offset

    @property
    def done(self) -> bool:
        """Whether every message has been made."""
        return self._offset >= len(self._data)

    @property
    def progress(self) -> float:
        """Share of the file that has been handed out, 0..1."""
        return self._offset / len(self._data)

    def next_message(self) -> bytes | None:
        """The next message, None when done. Ask when the channel's buffer is low."""
        if self.done:
            return None
        part = self._data[self._offset : self._offset + self._chunk]
        message = _HEADER.pack(self._offset, len(self._data)) + part
        self._offset += len(part)
        return message


class AvatarReceiver:
    """Puts a file together and verifies it. It may live longer than a connection: ask again from `offset`.

    Args:
        wanted_id: id of the avatar, hex SHA-256.
        announced_bytes: its size as the peer announced it (`hello`, `avatar`); None: the first piece says.

    Raises:
        AvatarTransferError: the announced size is not one that an avatar can have.
    """

    def __init__(self, wanted_id: str, announced_bytes: int | None) -> None:
        self.avatar_id = wanted_id
        self._total: int | None = None
        self._data = bytearray()
        self._complete: bytes | None = None
        self.dropped = 0
        if announced_bytes is not None:
            self.announced(announced_bytes)

    def announced(self, size: int) -> bool:
        """The peer says how large the file is.

        Returns:
            False if it said something else before: a new receiver is needed.

        Raises:
            AvatarTransferError: no avatar can be as large as that.
        """
        if not 0 < size <= MAX_AVATAR_BYTES:
            raise AvatarTransferError(f"The peer announces an avatar of {size} bytes; {MAX_AVATAR_BYTES} are allowed")
        if self._total is None:
            self._total = size
        return self._total == size

    @property
    def received(self) -> bytearray:
        """The beginning of the file that is here, to look at."""
        return self._data

    @property
    def complete(self) -> bytes | None:
        """The file, once it is here and verified."""
        return self._complete

    @property
    def offset(self) -> int:
        """Bytes received so far: the offset to ask for."""
        return len(self._data)

    @property
    def progress(self) -> float:
        """Share of the file that is here, 0..1."""
        return len(self._data) / (self._total or MAX_AVATAR_BYTES)

    def receive(self, message: bytes) -> bytes | None:
        """Takes one message; returns the file when it is complete and its hash is right, None before and after that.

        Bytes that are here already are skipped. A message that does not fit (malformed, of another size than announced,
        beyond a gap) is dropped and counted in `dropped`: after a change of avatar in mid-transfer, pieces of the one
        before are still on their way.

        Raises:
            AvatarTransferError: the file is complete and not the wanted one; start over from 0 or give up.
        """
        if len(message) <= _HEADER.size:
            self.dropped += 1
            return None
        offset, total = _HEADER.unpack_from(message)
        part = memoryview(message)[_HEADER.size :]
        have = len(self._data)
        if self._total is None and 0 < total <= MAX_AVATAR_BYTES:
            self._total = total
        if total != self._total or offset > have or offset + len(part) > total:
            self.dropped += 1
            return None
        if offset + len(part) <= have:
            return None
        self._data += part[have - offset :]
        if len(self._data) < total:
            return None
        data = bytes(self._data)
        if avatar_id(data) != self.avatar_id:
            self._data.clear()
            raise AvatarTransferError("The avatar that arrived is not the one that was announced")
        self._complete = data
        return data
