"""Reads numeric arrays out of a pickle without running anything of it.

FLAME is published as pickles, and a pickle is a program. No unpickler of Python's takes part: `pickletools` only splits
the file into opcodes, and a small machine here knows those that build plain values. Where the file wants to import or
call something, the name must be on a list (assets.pickled_arrays.ALLOWED); nothing is imported or called, only noted.

Nothing takes more memory or time than the size of the file explains: what a short program could blow up (tables with
nested keys, lists of lists of lists, numbers of a million digits) is refused or never computed.
"""

from __future__ import annotations

import pickletools
from typing import Any, NoReturn, cast

from assets.errors import UnsafePickle
from assets.pickled_arrays import ALLOWED, Made, Maker

MAX_BYTES = 192 << 20
"""FLAME's files are about 53 MB."""
MAX_OPCODES = 200_000
"""FLAME's files take some hundreds."""

_LONGEST_KEY = 256
_LITERALS = {
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
}
"""Opcodes that push their argument; Python 2's strings come as latin1."""
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}


def load(data: bytes) -> object:
    """What the pickle holds, with a `Made` in place of every object (assets.pickled_arrays.dense).

    Protocols 0 to 5; of 0, not the strings with bytes above 127 that Python 2 wrote.

    Raises:
        UnsafePickle: too large, damaged, or it names a class or function that no head model needs.
    """
    if len(data) > MAX_BYTES:
        raise UnsafePickle(f"The file is larger than {MAX_BYTES >> 20} MiB: this is no FLAME model.")
    machine = _Machine()
    count = 0
    try:
        for opcode, argument, _ in pickletools.genops(data):
            count += 1
            if count > MAX_OPCODES:
                _refuse()
            machine.step(opcode.name, argument)
        return machine.result()
    except UnsafePickle:
        raise
    except Exception as error:  # a hostile stream can raise anything
        raise UnsafePickle("The file is damaged or no pickle: it cannot be read to its end.") from error


def _refuse() -> NoReturn:
    raise UnsafePickle("The file is put together as no FLAME model is: it is refused.")


def _maker(module: object, name: object) -> Maker:
    if not isinstance(module, str) or not isinstance(name, str):
        _refuse()
    maker = ALLOWED.get((module, name))
    if maker is None:
        shown = f"{module[:80]}.{name[:80]}"[:80].encode("ascii", "replace").decode()
        raise UnsafePickle(
            f"The file wants to use {shown!r}, which no FLAME model needs: it may be malicious and is refused."
        )
    return maker


class _Machine:
    """The stack machine that a pickle is written for. What its opcodes say is in the source of `pickletools`."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._below: list[list[Any]] = []  # what lies below each mark
        self._memo: dict[int, Any] = {}

    def result(self) -> object:
        """The one value that is left at the end."""
        if len(self._stack) != 1 or self._below:
            _refuse()
        return self._stack[0]

    def step(self, name: str, argument: Any) -> None:
        """Executes one opcode."""
        if name in _LITERALS:
            self._stack.append(argument)
        elif name in _CONSTANTS:
            self._stack.append(_CONSTANTS[name])
        else:
            self._structure(name, argument)

    def _structure(self, name: str, argument: Any) -> None:
        stack = self._stack
        match name:
            case "PROTO" | "FRAME" | "STOP":
                pass
            case "MARK":
                self._below.append(stack)
                self._stack = []
            case "POP":
                stack.pop()
            case "POP_MARK":
                self._to_mark()
            case "DUP":
                stack.append(stack[-1])
            case "PUT" | "BINPUT" | "LONG_BINPUT":
                self._memo[argument] = stack[-1]
            case "MEMOIZE":
                self._memo[len(self._memo)] = stack[-1]
            case "GET" | "BINGET" | "LONG_BINGET":
                stack.append(self._memo[argument])
            case "EMPTY_TUPLE":
                stack.append(())
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                stack.append(self._last(int(name[-1])))
            case "TUPLE":
                items = tuple(self._to_mark())
                self._stack.append(items)
            case "EMPTY_LIST":
                stack.append([])
            case "LIST":
                items = self._to_mark()
                self._stack.append(items)
            case "APPEND":
                self._extend(self._last(1))
            case "APPENDS":
                self._extend(self._to_mark())
            case "EMPTY_DICT":
                stack.append({})
            case "DICT":
                items = self._to_mark()
                self._stack.append({})
                self._update(items)
            case "SETITEM":
                self._update(self._last(2))
            case "SETITEMS":
                self._update(self._to_mark())
            case _:
                self._object(name, argument)

    def _object(self, name: str, argument: Any) -> None:
        stack = self._stack
        match name:
            case "GLOBAL":
                module, _, attribute = argument.partition(" ")
                stack.append(_maker(module, attribute))
            case "STACK_GLOBAL":
                stack.append(_maker(*self._last(2)))
            case "REDUCE" | "NEWOBJ":
                self._make(*self._last(2))
            case "NEWOBJ_EX":
                maker, arguments, _ = self._last(3)
                self._make(maker, arguments)
            case "OBJ":
                maker, *arguments = self._to_mark()
                self._make(maker, tuple(arguments))
            case "INST":
                module, _, attribute = argument.partition(" ")
                arguments = tuple(self._to_mark())
                self._make(_maker(module, attribute), arguments)
            case "BUILD":
                (state,) = self._last(1)
                if not isinstance(stack[-1], Made):
                    _refuse()
                stack[-1].state = state
            case "EMPTY_SET":
                stack.append(Made(Maker.IGNORED))
            case "ADDITEMS":
                self._to_mark()
            case "FROZENSET":
                self._to_mark()
                self._stack.append(Made(Maker.IGNORED))
            case _:  # the extension registry, persistent ids, buffers out of band: what lies beyond the file
                _refuse()

    def _last(self, count: int) -> tuple[Any, ...]:
        """Takes that many values off the stack."""
        items = tuple(self._stack[-count:])
        if len(items) < count:
            _refuse()
        del self._stack[-count:]
        return items

    def _to_mark(self) -> list[Any]:
        """Takes everything down to the last mark off the stack."""
        items = self._stack
        self._stack = self._below.pop()
        return items

    def _extend(self, items: Any) -> None:
        target: Any = self._stack[-1]
        if not isinstance(target, list):
            _refuse()
        target += items

    def _update(self, items: Any) -> None:
        if not isinstance(self._stack[-1], dict) or len(items) % 2:
            _refuse()
        for key, value in zip(items[::2], items[1::2], strict=True):
            # The hash of nested tuples takes time and C stack without bounds.
            is_name = isinstance(key, (str, bytes)) and len(key) <= _LONGEST_KEY
            if not (is_name or (isinstance(key, int) and abs(key) < 1 << 63)):
                _refuse()
            self._stack[-1][key] = value

    def _make(self, maker: object, given: object) -> None:
        if not isinstance(maker, Maker) or not isinstance(given, tuple):
            _refuse()
        arguments = cast("tuple[Any, ...]", given)
        if maker is not Maker.EMPTY:
            self._stack.append(Made(maker, arguments))
            return
        kind: object = arguments[0] if arguments else None
        if not isinstance(kind, Maker) or kind in (Maker.EMPTY, Maker.LATIN1):
            raise UnsafePickle("The file builds an object that no FLAME model holds: it is refused.")
        self._stack.append(Made(kind))
