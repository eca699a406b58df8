"""Reads numeric arrays out of a pickle without running anything of it.

FLAME is published as pickles, and a pickle is a program. Two walls stand before it:

1. The opcodes are walked first, without executing them: lengths must lie within the file, only opcodes that build
   plain values are allowed, and every global that is named outright must be on the list below.
2. The unpickler resolves the names on that list to stand-ins of ours, which hold state and do nothing. Neither numpy,
   scipy nor chumpy is called while unpickling, so files from the days of Python 2 and chumpy need neither.

`dense` then turns a stand-in into an array, with every size checked before anything is allocated.
"""

from __future__ import annotations

import io
import math
import pickle  # noqa: TID251 - the one place that reads pickles, behind an allow-list
import pickletools
from typing import Any, NoReturn, cast

import numpy as np
from numpy.typing import NDArray

from assets.errors import UnsafePickle

MAX_BYTES = 192 << 20
"""FLAME's files are about 53 MB."""
MAX_OPCODES = 200_000
"""FLAME's files take some hundreds."""
MAX_ELEMENTS = 32 << 20
"""Of one array; FLAME's largest holds 6 million."""

_FORBIDDEN = {"EXT1", "EXT2", "EXT4", "PERSID", "BINPERSID", "NEXT_BUFFER", "READONLY_BUFFER"}
"""Opcodes that reach beyond the file. The extension registry even bypasses `find_class`."""
_NUMBERS = {"b1", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8"}
_DEEPEST = 4
"""Chumpy's selections of selections."""


class _StandIn:
    """Takes the place of a class: keeps what it is made from and does nothing."""

    arguments: tuple[Any, ...] = ()
    state: Any = None

    def __init__(self, *arguments: object) -> None:
        self.arguments = arguments

    def __setstate__(self, state: object) -> None:
        self.state = state


class _Array(_StandIn):
    """numpy's ndarray; state (version, shape, dtype, is_fortran, bytes)."""


class _Dtype(_StandIn):
    """numpy's dtype; arguments (code, ...), state (version, byte order, ...)."""


class _Scalar(_StandIn):
    """numpy's scalar(dtype, bytes)."""


class _Buffer(_StandIn):
    """numpy's _frombuffer(bytes, dtype, shape, order)."""


class _Chumpy(_StandIn):
    """chumpy's Ch (state "x") or Select (state "a", "idxs", "preferred_shape")."""


class _Columns(_StandIn):
    """scipy's compressed sparse columns."""


class _Rows(_StandIn):
    """scipy's compressed sparse rows."""


class _Ignored(_StandIn):
    """A set, an object: nothing that we read."""


class _Latin1(_StandIn):
    """_codecs.encode(text, "latin1"): how Python 3 writes bytes at protocol 2."""

    def __new__(cls, *arguments: object) -> Any:
        text, encoding = (*arguments, None, None)[:2]
        if not isinstance(text, str) or encoding != "latin1":
            raise UnsafePickle("The file encodes text in a way that no FLAME model does: it is refused.")
        return text.encode("latin1")


class _Reconstructed(_StandIn):
    """copyreg._reconstructor and numpy's _reconstruct: both name the class of an empty object first."""

    def __new__(cls, *arguments: object) -> Any:
        kind = arguments[0] if arguments else None
        if not (isinstance(kind, type) and issubclass(kind, _StandIn)) or issubclass(kind, (_Reconstructed, _Latin1)):
            raise UnsafePickle("The file builds an object that no FLAME model holds: it is refused.")
        return kind()


def _allowed() -> dict[tuple[str, str], type[_StandIn]]:
    allowed: dict[tuple[str, str], type[_StandIn]] = {
        ("numpy", "ndarray"): _Array,
        ("numpy", "dtype"): _Dtype,
        ("chumpy.ch", "Ch"): _Chumpy,
        ("chumpy.reordering", "Select"): _Chumpy,
        ("_codecs", "encode"): _Latin1,
    }
    for core in ("numpy.core", "numpy._core"):
        allowed[(f"{core}.multiarray", "_reconstruct")] = _Reconstructed
        allowed[(f"{core}.multiarray", "scalar")] = _Scalar
        allowed[(f"{core}.numeric", "_frombuffer")] = _Buffer
    for name, kind in (("csc", _Columns), ("csr", _Rows)):
        for module in (f"scipy.sparse.{name}", f"scipy.sparse._{name}"):
            allowed[(module, f"{name}_matrix")] = allowed[(module, f"{name}_array")] = kind
    for module, copyreg in (("builtins", "copyreg"), ("__builtin__", "copy_reg")):
        allowed[(copyreg, "_reconstructor")] = _Reconstructed
        for name in ("set", "frozenset", "object"):
            allowed[(module, name)] = _Ignored
    return allowed


ALLOWED = _allowed()


class _Unpickler(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str, /) -> Any:
        try:
            return ALLOWED[(module_name, global_name)]
        except KeyError:
            _refuse(module_name, global_name)


def load(data: bytes) -> object:
    """What the pickle holds, with stand-ins for arrays (see `dense`). Protocols 0 to 5, Python 2's strings as latin1.

    Raises:
        UnsafePickle: too large, damaged, or it names a class or function that no head model needs.
    """
    if len(data) > MAX_BYTES:
        raise UnsafePickle(f"The file is larger than {MAX_BYTES >> 20} MiB: this is no FLAME model.")
    _walk(data)
    try:
        return _Unpickler(io.BytesIO(data), fix_imports=False, encoding="latin1").load()
    except UnsafePickle:
        raise
    except Exception as error:  # a hostile stream can raise anything
        raise UnsafePickle("The file is damaged: it cannot be read to its end.") from error


def dense(value: object) -> NDArray[Any]:
    """The numbers of a stand-in, chumpy object, sparse matrix or list as an array of its own.

    Raises:
        UnsafePickle: it does not hold numbers, or its parts contradict each other.
    """
    try:
        return _dense(value, 0)
    except UnsafePickle:
        raise
    except Exception as error:  # the state of a stand-in can be anything
        raise UnsafePickle("The file holds an array whose parts contradict each other.") from error


def _refuse(module: str, name: str) -> NoReturn:
    shown = f"{module}.{name}"[:80].encode("ascii", "replace").decode()
    raise UnsafePickle(
        f"The file wants to use {shown!r}, which no FLAME model needs: it may be malicious and is refused."
    )


def _walk(data: bytes) -> None:
    """Reads the opcodes without executing them."""
    count = 0
    try:
        for opcode, argument, _ in pickletools.genops(data):
            count += 1
            if opcode.name in _FORBIDDEN or count > MAX_OPCODES:
                raise UnsafePickle("The file is put together as no FLAME model is: it is refused.")
            if opcode.name in ("GLOBAL", "INST"):
                module, _, name = str(argument).partition(" ")
                if (module, name) not in ALLOWED:
                    _refuse(module, name)
            if opcode.name in ("PUT", "BINPUT", "LONG_BINPUT") and not 0 <= cast("int", argument) <= MAX_OPCODES:
                raise UnsafePickle("The file is put together as no FLAME model is: it is refused.")  # memory
    except UnsafePickle:
        raise
    except Exception as error:
        raise UnsafePickle("The file is damaged or no pickle: it cannot be read to its end.") from error


def _dense(value: object, depth: int) -> NDArray[Any]:
    if depth > _DEEPEST:
        raise UnsafePickle("The file nests its arrays too deeply.")
    if isinstance(value, _Array):
        _, shape, dtype, is_fortran, content = value.state
        return _from_bytes(content, dtype, shape, "F" if is_fortran else "C")
    if isinstance(value, _Buffer):
        content, dtype, shape, order = value.arguments
        return _from_bytes(content, dtype, shape, order)
    if isinstance(value, _Scalar):
        dtype, content = value.arguments
        return _from_bytes(content, dtype, (), "C")
    if isinstance(value, _Chumpy):
        state = value.state
        if "x" in state:
            return _dense(state["x"], depth + 1)
        chosen = _dense(state["a"], depth + 1).ravel()[_dense(state["idxs"], depth + 1).ravel()]
        shape = state.get("preferred_shape")
        return chosen if shape is None else chosen.reshape(_dense(shape, depth + 1).astype(int).tolist())
    if isinstance(value, (_Columns, _Rows)):
        return _from_sparse(value, depth)
    if isinstance(value, (list, tuple, int, float)):
        array = np.array(value)
        if array.dtype.kind in "biuf":
            return array
    raise UnsafePickle("The file holds something else where an array of numbers is expected.")


def _size(shape: object) -> tuple[tuple[int, ...], int]:
    numbers = tuple(int(number) for number in cast("tuple[Any, ...]", shape))
    size = math.prod(numbers)
    if len(numbers) > 4 or any(number < 0 for number in numbers) or size > MAX_ELEMENTS:
        raise UnsafePickle(f"The file holds an array of shape {numbers[:6]}, which no FLAME model does.")
    return numbers, size


def _from_bytes(content: object, dtype: object, shape: object, order: object) -> NDArray[Any]:
    code = dtype.arguments[0] if isinstance(dtype, _Dtype) and dtype.arguments else None
    if not isinstance(dtype, _Dtype) or code not in _NUMBERS:
        raise UnsafePickle("The file holds an array of something else than numbers.")
    byte_order = dtype.state[1] if dtype.state else "="
    kind = np.dtype(cast("str", code)).newbyteorder(">" if byte_order == ">" else "<")
    numbers, size = _size(shape)
    raw = content.encode("latin1") if isinstance(content, str) else bytes(cast("bytes", content))
    if len(raw) != size * kind.itemsize:
        raise UnsafePickle(f"The file holds an array of shape {numbers} with {len(raw)} bytes in it.")
    array = np.frombuffer(raw, kind).reshape(numbers, order="F" if order == "F" else "C")
    return array.astype(kind.newbyteorder("="))


def _from_sparse(value: _Columns | _Rows, depth: int) -> NDArray[Any]:
    state = value.state
    shape, _ = _size(state["_shape"] if "_shape" in state else state["shape"])
    data, indices, pointers = (_dense(state[name], depth + 1) for name in ("data", "indices", "indptr"))
    lines, across = (shape[1], shape[0]) if isinstance(value, _Columns) else shape
    steps = np.diff(pointers)
    fits = len(pointers) == lines + 1 and pointers[0] == 0 and pointers[-1] == len(data) == len(indices)
    if not fits or (steps < 0).any() or (len(indices) and not 0 <= indices.min() <= indices.max() < across):
        raise UnsafePickle("The file holds a sparse matrix whose parts contradict each other.")
    matrix = np.zeros((lines, across), data.dtype)
    np.add.at(matrix, (np.repeat(np.arange(lines), steps), indices), data)
    return matrix.T if isinstance(value, _Columns) else matrix
