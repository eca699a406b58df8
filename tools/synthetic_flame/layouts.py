"""The three layouts of FLAME's files, written from arrays."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.synthetic_flame.pickle_writer import Made, Name, write_pickle

Arrays = Mapping[str, NDArray[Any]]


def open_layout(arrays: Arrays, *, core: str = "numpy.core") -> bytes:
    """FLAME 2023 Open: protocol 5, plain numpy arrays, one scipy matrix, a note on the expressions."""

    def array(value: NDArray[Any]) -> Made:
        contiguous = np.ascontiguousarray(value)
        content = bytearray(contiguous.tobytes())
        return Made(Name(f"{core}.numeric", "_frombuffer"), (content, _dtype(value), value.shape, "C"))

    content: dict[str, object] = {name: array(value) for name, value in arrays.items() if name != "J_regressor"}
    content["J_regressor"] = _sparse(arrays["J_regressor"], Name("scipy.sparse._csc", "csc_matrix"), array)
    content["bs_style"], content["bs_type"] = "lbs", "lrotmin"
    content["supr_expression_metadata"] = {"n_expr": 100, "expr_components": "last_100"}
    return write_pickle(content, 5)


def chumpy_layout(arrays: Arrays, protocol: int = 2) -> bytes:
    """FLAME 2020 and 2023: chumpy objects, as Python 2 pickled them."""

    def array(value: NDArray[Any]) -> Made:
        empty = (Name("numpy", "ndarray"), (0,), b"b")
        state = (1, value.shape, _dtype(value), False, np.ascontiguousarray(value).tobytes())
        return Made(Name("numpy.core.multiarray", "_reconstruct"), empty, state)

    def chumpy(value: NDArray[Any]) -> Made:
        state = {"x": array(value), "_dirty_vars": Made(Name("__builtin__", "set"), ([],)), "_cache_info": None}
        return Made(Name("chumpy.ch", "Ch"), (), state, by_new=True)

    objects = ("v_template", "shapedirs", "posedirs", "weights")
    content: dict[str, object] = {
        name: chumpy(value) if name in objects else array(value)
        for name, value in arrays.items()
        if name != "J_regressor"
    }
    content["J_regressor"] = _sparse(arrays["J_regressor"], Name("scipy.sparse.csc", "csc_matrix"), array)
    content["bs_style"], content["bs_type"] = "lbs", "lrotmin"
    return write_pickle(content, protocol)


def npz_layout(arrays: Arrays) -> bytes:
    """The same arrays as an npz, as people convert FLAME themselves."""
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **arrays)
    return file.getvalue()


def _dtype(value: NDArray[Any]) -> Made:
    return Made(Name("numpy", "dtype"), (value.dtype.str[1:], False, True), (3, "<", None, None, None, -1, -1, 0))


def _sparse(matrix: NDArray[Any], kind: Name, array: Any) -> Made:
    columns, rows = np.nonzero(matrix.T)
    pointers = np.concatenate([[0], np.cumsum(np.bincount(columns, minlength=matrix.shape[1]))])
    state = {
        "_shape": matrix.shape,
        "maxprint": 50,
        "data": array(matrix[rows, columns]),
        "indices": array(rows.astype(np.int32)),
        "indptr": array(pointers.astype(np.int32)),
    }
    return Made(kind, (), state, by_new=True)
