"""What stands in a pickle for arrays, and the arrays that it describes.

`assets.safe_pickle` builds a `Made` wherever a pickle calls something. `dense` then turns it into an array, with every
size checked before anything is allocated. Neither numpy's own unpickling nor scipy nor chumpy takes part, so files from
the days of Python 2 and chumpy need neither.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from assets.errors import UnsafePickle

MAX_ELEMENTS = 8 << 20
"""Of one array; FLAME's largest holds 6 million."""

_NUMBERS = {"b1", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8"}
_MAX_AXES = 4
_DEEPEST = 4
"""Chumpy's selections of selections."""


class Maker(Enum):
    """The classes and functions that a pickle may name."""

    ARRAY = auto()
    """numpy's ndarray; state (version, shape, dtype, is_fortran, bytes)."""
    DTYPE = auto()
    """numpy's dtype; arguments (code, ...), state (version, byte order, ...)."""
    SCALAR = auto()
    """numpy's scalar(dtype, bytes)."""
    BUFFER = auto()
    """numpy's _frombuffer(bytes, dtype, shape, order)."""
    CHUMPY = auto()
    """chumpy's Ch (state "x") or Select (state "a", "idxs", "preferred_shape")."""
    COLUMNS = auto()
    """scipy's compressed sparse columns."""
    ROWS = auto()
    """scipy's compressed sparse rows."""
    LATIN1 = auto()
    """_codecs.encode(text, "latin1"): how Python 3 writes bytes at protocol 2."""
    EMPTY = auto()
    """copyreg's _reconstructor and numpy's _reconstruct: an empty object of the class that their arguments name."""
    IGNORED = auto()
    """A set, an object: nothing that we read."""


@dataclass(slots=True, eq=False)
class Made:
    """An object of a pickle: what would have made it, of what, and the state that it would have been given."""

    maker: Maker
    arguments: tuple[Any, ...] = ()
    state: Any = None


def _allowed() -> dict[tuple[str, str], Maker]:
    allowed = {
        ("numpy", "ndarray"): Maker.ARRAY,
        ("numpy", "dtype"): Maker.DTYPE,
        ("chumpy.ch", "Ch"): Maker.CHUMPY,
        ("chumpy.reordering", "Select"): Maker.CHUMPY,
        ("_codecs", "encode"): Maker.LATIN1,
    }
    for core in ("numpy.core", "numpy._core"):
        allowed[(f"{core}.multiarray", "_reconstruct")] = Maker.EMPTY
        allowed[(f"{core}.multiarray", "scalar")] = Maker.SCALAR
        allowed[(f"{core}.numeric", "_frombuffer")] = Maker.BUFFER
    for name, maker in (("csc", Maker.COLUMNS), ("csr", Maker.ROWS)):
        for module in (f"scipy.sparse.{name}", f"scipy.sparse._{name}"):
            allowed[(module, f"{name}_matrix")] = allowed[(module, f"{name}_array")] = maker
    for module, copyreg in (("builtins", "copyreg"), ("__builtin__", "copy_reg")):
        allowed[(copyreg, "_reconstructor")] = Maker.EMPTY
        for name in ("set", "frozenset", "object"):
            allowed[(module, name)] = Maker.IGNORED
    return allowed


ALLOWED = _allowed()
"""(module, name) -> maker. Any other name in a pickle is refused."""


def dense(value: object) -> NDArray[Any]:
    """The numbers of an array, chumpy object, sparse matrix, number or flat list as an array of its own.

    Raises:
        UnsafePickle: it does not hold numbers, or its parts contradict each other.
    """
    try:
        return _dense(value, 0)
    except UnsafePickle:
        raise
    except Exception as error:  # arguments and states can be anything
        raise UnsafePickle("The file holds an array whose parts contradict each other.") from error


def _dense(value: object, depth: int) -> NDArray[Any]:
    if depth > _DEEPEST:
        raise UnsafePickle("The file nests its arrays too deeply.")
    if isinstance(value, Made):
        return _from_made(value, depth)
    # Flat ones only: a list that holds another one twice, and so on, has no end.
    numbers = cast("list[object]", value) if isinstance(value, (list, tuple)) else [value]
    if len(numbers) <= MAX_ELEMENTS and all(type(number) in (bool, int, float) for number in numbers):
        array = np.array(value)
        if array.dtype.kind in "biuf":
            return array
    raise UnsafePickle("The file holds something else where an array of numbers is expected.")


def _from_made(value: Made, depth: int) -> NDArray[Any]:
    match value.maker:
        case Maker.ARRAY:
            _, shape, dtype, is_fortran, content = value.state
            return _from_bytes(content, dtype, shape, "F" if is_fortran else "C")
        case Maker.BUFFER:
            content, dtype, shape, order = value.arguments
            return _from_bytes(content, dtype, shape, order)
        case Maker.SCALAR:
            dtype, content = value.arguments
            return _from_bytes(content, dtype, (), "C")
        case Maker.CHUMPY:
            state = value.state
            if "x" in state:
                return _dense(state["x"], depth + 1)
            chosen = _dense(state["a"], depth + 1).ravel()[_dense(state["idxs"], depth + 1).ravel()]
            shape = state.get("preferred_shape")
            return chosen if shape is None else chosen.reshape(_dense(shape, depth + 1).astype(int).tolist())
        case Maker.COLUMNS | Maker.ROWS:
            return _from_sparse(value, depth)
        case _:
            raise UnsafePickle("The file holds something else where an array of numbers is expected.")


def _size(shape: object) -> tuple[tuple[int, ...], int]:
    numbers = cast("tuple[Any, ...]", shape)
    if (
        not isinstance(shape, tuple)
        or len(numbers) > _MAX_AXES
        or not all(type(number) is int and 0 <= number <= MAX_ELEMENTS for number in numbers)
        or math.prod(numbers) > MAX_ELEMENTS
    ):
        raise UnsafePickle("The file holds an array of a shape that no FLAME model has.")
    return numbers, math.prod(numbers)


def _raw(content: object) -> bytes:
    if isinstance(content, Made) and content.maker is Maker.LATIN1:
        content, encoding = content.arguments
        if encoding != "latin1":
            raise UnsafePickle("The file encodes its arrays in a way that no FLAME model does.")
    if isinstance(content, str):
        return content.encode("latin1")
    if isinstance(content, (bytes, bytearray)):
        return bytes(content)
    raise UnsafePickle("The file holds an array without numbers.")


def _from_bytes(content: object, dtype: object, shape: object, order: object) -> NDArray[Any]:
    if not isinstance(dtype, Made) or dtype.maker is not Maker.DTYPE or dtype.arguments[0] not in _NUMBERS:
        raise UnsafePickle("The file holds an array of something else than numbers.")
    byte_order = dtype.state[1] if dtype.state else "="
    kind = np.dtype(cast("str", dtype.arguments[0])).newbyteorder(">" if byte_order == ">" else "<")
    numbers, size = _size(shape)
    raw = _raw(content)
    if len(raw) != size * kind.itemsize:
        raise UnsafePickle(f"The file holds an array of shape {numbers} with {len(raw)} bytes in it.")
    array = np.frombuffer(raw, kind).reshape(numbers, order="F" if order == "F" else "C")
    return array.astype(kind.newbyteorder("="))


def _from_sparse(value: Made, depth: int) -> NDArray[Any]:
    state = value.state
    shape, _ = _size(state["_shape"] if "_shape" in state else state["shape"])
    data, indices, pointers = (_dense(state[name], depth + 1) for name in ("data", "indices", "indptr"))
    lines, across = shape if value.maker is Maker.ROWS else (shape[1], shape[0])
    steps = np.diff(pointers)
    fits = len(pointers) == lines + 1 and pointers[0] == 0 and pointers[-1] == len(data) == len(indices)
    if not fits or (steps < 0).any() or (len(indices) and not 0 <= indices.min() <= indices.max() < across):
        raise UnsafePickle("The file holds a sparse matrix whose parts contradict each other.")
    matrix = np.zeros((lines, across), data.dtype)
    np.add.at(matrix, (np.repeat(np.arange(lines), steps), indices), data)
    return matrix if value.maker is Maker.ROWS else matrix.T
