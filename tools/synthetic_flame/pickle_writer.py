"""Writes pickles opcode by opcode, so that files can name classes of libraries that are not installed."""

from __future__ import annotations

import struct
from dataclasses import dataclass


@dataclass(frozen=True)
class Name:
    """A global: a class or function by module and name."""

    module: str
    name: str


@dataclass(frozen=True)
class Made:
    """An object: what makes it, its arguments, and the state that is given to it afterwards (None = none).

    Args:
        maker: class or function.
        arguments: of it.
        state: for __setstate__.
        by_new: made by class.__new__ (opcode NEWOBJ), not by a call (REDUCE).
    """

    maker: Name
    arguments: tuple[object, ...] = ()
    state: object = None
    by_new: bool = False


def write_pickle(value: object, protocol: int) -> bytes:
    """Pickles plain values, Name and Made; protocol 2 as Python 2 writes it (its str is bytes), else 3 to 5."""
    return b"\x80" + bytes([protocol]) + _write(value, protocol) + b"."


def _write(value: object, protocol: int) -> bytes:
    def every(values: object) -> bytes:
        return b"".join(_write(one, protocol) for one in values)  # type: ignore[union-attr]

    match value:
        case None:
            return b"N"
        case bool():
            return b"\x88" if value else b"\x89"
        case int():
            return b"\x8a\x08" + struct.pack("<q", value)
        case float():
            return b"G" + struct.pack(">d", value)
        case str() | bytes() if protocol == 2:
            raw = value.encode("latin1") if isinstance(value, str) else value
            return (b"U" + bytes([len(raw)]) if len(raw) < 256 else b"T" + struct.pack("<i", len(raw))) + raw
        case str():
            return b"X" + struct.pack("<I", len(value.encode())) + value.encode()
        case bytearray():
            return b"\x96" + struct.pack("<Q", len(value)) + value
        case bytes():
            return b"B" + struct.pack("<I", len(value)) + value
        case tuple():
            return b"(" + every(value) + b"t"
        case list():
            return b"](" + every(value) + b"e"
        case dict():
            return b"}(" + b"".join(every(item) for item in value.items()) + b"u"
        case Name(module, name) if protocol >= 4:
            return every((module, name)) + b"\x93"
        case Name(module, name):
            return f"c{module}\n{name}\n".encode()
        case Made(maker, arguments, state, by_new):
            made = every((maker, arguments)) + (b"\x81" if by_new else b"R")
            return made if state is None else made + _write(state, protocol) + b"b"
    raise TypeError(f"cannot pickle {type(value).__name__}")
