"""The torso as bits: an extension of a face packet (docs/bitstream.md, Torso), and a part of a stream file's frames.

One bit says whether six symbols follow. Most frames need none: the torso is at rest, or still.
"""

from __future__ import annotations

from codec.bits import BitReader, BitWriter
from codec.frame_coding import read_differences, read_symbols, write_differences, write_symbols
from codec.quantizer import STILL_TORSO, TORSO, Symbols


def write_torso(writer: BitWriter, torso: Symbols, reference: Symbols | None = None) -> None:
    """Appends the torso, as differences where there is a `reference`, in one bit if it is the same or at rest."""
    says_more = torso != (reference or STILL_TORSO)
    writer.write(says_more, 1)
    if says_more and reference is None:
        write_symbols(writer, torso, TORSO.bits)
    elif says_more and reference is not None:
        write_differences(writer, torso, reference)


def read_torso(reader: BitReader, reference: Symbols | None = None) -> Symbols:
    """Inverse of `write_torso`.

    Raises:
        BitstreamError: `bad_symbol` or `truncated`.
    """
    if not reader.read(1):
        return reference or STILL_TORSO
    if reference is None:
        return read_symbols(reader, TORSO.bits, TORSO.max_symbols)
    return read_differences(reader, reference, TORSO.max_symbols)


def encode_extension(torso: Symbols, reference: Symbols | None = None) -> bytes:
    """The extension of a packet whose frame has this torso; nothing if it is the same or at rest."""
    if torso == (reference or STILL_TORSO):
        return b""
    writer = BitWriter()
    write_torso(writer, torso, reference)
    return writer.to_bytes()


def decode_extension(extension: bytes, reference: Symbols | None = None) -> Symbols:
    """Inverse of `encode_extension`; what follows the torso is of a later version and skipped.

    Raises:
        BitstreamError: `bad_symbol` or `truncated`.
    """
    return read_torso(BitReader(extension), reference) if extension else reference or STILL_TORSO
