"""What can be wrong with bytes.

    CodecError(ValueError)
    ├── BitstreamError          a face packet (docs/bitstream.md) or stream file (docs/stream-file.md) is malformed
    │   └── UnknownReference    a delta frame refers to a frame that was never decoded
    ├── AvatarFileError         an avatar file is malformed or too large (docs/avatar-format.md)
    └── AvatarTransferError     the pieces of an avatar do not add up (docs/protocol.md, `avatar` channel)

Messages are sentences for people; `BitstreamError.reason` is a stable word for counters.
"""

from __future__ import annotations


class CodecError(ValueError):
    """Base of everything that this package raises about bytes."""


class BitstreamError(CodecError):
    """A face packet or a stream file cannot be decoded.

    Args:
        reason: stable snake_case word, one of those listed in docs/bitstream.md and docs/stream-file.md.
        detail: a sentence.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class UnknownReference(BitstreamError):
    """A delta frame refers to a frame that this side does not have; a key frame would help."""

    def __init__(self, detail: str) -> None:
        super().__init__("unknown_reference", detail)


class AvatarFileError(CodecError):
    """An avatar file, or an asset that should become one, breaks a rule of docs/avatar-format.md."""


class AvatarTransferError(CodecError):
    """A transfer of an avatar went wrong for good; the receiver shows a guest avatar instead."""
