"""Loads and stores by address for kernels.

Every function takes an `address` (int64, bytes) and an `index` in elements of the type it moves. Addresses, not
arrays, because unpacking an array argument costs about 0.1 us a call. Nothing is checked here: see
renderer.backends.checks for the mode that looks for strays.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import types

from renderer.simd.types import (
    FLOAT,
    FLOATS,
    HALF,
    INT8,
    INT32,
    INT64,
    INTS,
    LANES,
    broadcast,
    call_llvm,
    f32x16,
    i32x16,
    intrinsic,
)


def element_pointer(context: Any, builder: Any, signature: Any, values: Any, element: ir.Type, target: ir.Type) -> Any:
    """The LLVM pointer to element `values[1]` from address `values[0]`, seen as `target`."""
    address = context.cast(builder, values[0], signature.args[0], types.int64)
    index = context.cast(builder, values[1], signature.args[1], types.int64)
    pointer = builder.gep(builder.inttoptr(address, element.as_pointer()), [index])
    return pointer if target == element else builder.bitcast(pointer, target.as_pointer())


def offset_pointer(builder: Any, pointer: Any, count: Any) -> Any:
    """The pointer `count` elements further on."""
    return builder.gep(pointer, [count if isinstance(count, ir.Value) else ir.Constant(INT64, count)])


def _loader(result: types.Type, element: ir.Type, finish: Any = None) -> Any:
    target = ir.VectorType(element, LANES) if result in (f32x16, i32x16) and finish is not _spread else element

    @intrinsic
    def load(typingctx, address, index):
        def emit(context, builder, signature, values):
            value = builder.load(element_pointer(context, builder, signature, values, element, target))
            value.align = _size(element)
            return finish(builder, value) if finish else value

        return result(address, index), emit

    return load


def _storer(argument: types.Type, element: ir.Type, target: ir.Type) -> Any:
    @intrinsic
    def store(typingctx, address, index, value):
        def emit(context, builder, signature, values):
            stored = values[2]
            if signature.args[2] != argument:
                stored = context.cast(builder, stored, signature.args[2], argument)
            instruction = builder.store(stored, element_pointer(context, builder, signature, values, element, target))
            instruction.align = _size(element)
            return context.get_dummy_value()

        return types.void(address, index, value), emit

    return store


_SIZES = {FLOAT: 4, HALF: 2, INT8: 1, INT32: 4, INT64: 8}


def _size(element: ir.Type) -> int:
    return _SIZES[element]


def _spread(builder: Any, value: Any) -> Any:
    return broadcast(builder, value, FLOATS)


load_f32 = _loader(types.float32, FLOAT)
load_i32 = _loader(types.int32, INT32)
load_i64 = _loader(types.int64, INT64)
store_f32 = _storer(types.float32, FLOAT, FLOAT)
store_i32 = _storer(types.int32, INT32, INT32)
store_i64 = _storer(types.int64, INT64, INT64)
store_u8 = _storer(types.uint8, INT8, INT8)

vload = _loader(f32x16, FLOAT)
"""16 consecutive floats."""
vload_int = _loader(i32x16, INT32)
vload_half = _loader(f32x16, HALF, lambda builder, value: builder.fpext(value, FLOATS))
"""16 consecutive float16, widened."""
vbroadcast = _loader(f32x16, FLOAT, _spread)
"""One float in every lane."""
vstore = _storer(f32x16, FLOAT, FLOATS)
vstore_int = _storer(i32x16, INT32, INTS)


@intrinsic
def gather_int(typingctx, address, indices):
    """The 16 integers whose indices are given (i32x16, not negative)."""

    def emit(context, builder, signature, values):
        base = builder.inttoptr(context.cast(builder, values[0], signature.args[0], types.int64), INT32.as_pointer())
        gathered = ir.Constant(INTS, ir.Undefined)
        for lane in range(LANES):
            number = ir.Constant(INT32, lane)
            index = builder.zext(builder.extract_element(values[1], number), INT64)
            gathered = builder.insert_element(gathered, builder.load(builder.gep(base, [index])), number)
        return gathered

    return i32x16(address, indices), emit


@intrinsic
def prefetch(typingctx, address, index):
    """Asks for the cache line of float number `index`."""

    def emit(context, builder, signature, values):
        pointer = element_pointer(context, builder, signature, values, FLOAT, INT8)
        hints = [ir.Constant(INT32, value) for value in (0, 3, 1)]  # read, keep in all levels, data
        call_llvm(builder, "llvm.prefetch.p0", ir.VoidType(), [pointer, *hints])
        return context.get_dummy_value()

    return types.void(address, index), emit
