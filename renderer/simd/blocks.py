"""Blocks of memory for kernels: transposes, rows of points, small blocks of bytes.

Addresses and indices are as in renderer.simd.memory.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import types

from renderer.simd.memory import element_pointer, offset_pointer
from renderer.simd.types import FLOAT, FLOATS, INT8, INT16, INT32, INT64, LANES, constant, f32x16, intrinsic, shuffle


def _transposed(builder: Any, rows: list[Any]) -> list[Any]:
    """Transposes 16 vectors of 16 lanes: four rounds that swap halves, quarters, pairs and neighbors."""
    for step in (8, 4, 2, 1):
        keep_low = [lane if not lane & step else LANES + (lane ^ step) for lane in range(LANES)]
        keep_high = [lane | step if not lane & step else LANES + lane for lane in range(LANES)]
        swapped = list(rows)
        for i in range(LANES):
            if not i & step:
                swapped[i] = shuffle(builder, rows[i], rows[i | step], keep_low)
                swapped[i | step] = shuffle(builder, rows[i], rows[i | step], keep_high)
        rows = swapped
    return rows


@intrinsic
def store_transposed(typingctx, address, index, columns):
    """Stores 16 vectors (a tuple) so that lane i of all of them becomes row i of 16 floats."""

    def emit(context, builder, signature, values):
        rows = [builder.extract_value(values[2], i) for i in range(LANES)]
        pointer = element_pointer(context, builder, signature, values, FLOAT, FLOATS)
        for i, row in enumerate(_transposed(builder, rows)):
            builder.store(row, offset_pointer(builder, pointer, i)).align = 4
        return context.get_dummy_value()

    return types.void(address, index, columns), emit


@intrinsic
def load_transposed(typingctx, address, index):
    """The inverse of `store_transposed`: 16 rows of 16 floats as a tuple of 16 columns."""

    def emit(context, builder, signature, values):
        pointer = element_pointer(context, builder, signature, values, FLOAT, FLOATS)
        rows = [builder.load(offset_pointer(builder, pointer, i)) for i in range(LANES)]
        for row in rows:
            row.align = 4
        return context.make_tuple(builder, signature.return_type, _transposed(builder, rows))

    return types.UniTuple(f32x16, LANES)(address, index), emit


@intrinsic
def store_rows4(typingctx, address, index, x, y, z):
    """Stores 16 points as rows of four floats (x, y, z, 0), starting at float number `index`."""

    def emit(context, builder, signature, values):
        x, y, z = values[2:]
        low = list(range(LANES))
        pairs = [shuffle(builder, x, y, low + [LANES + lane for lane in low])]
        pairs.append(shuffle(builder, z, constant(FLOATS, 0.0), low + [LANES + lane for lane in low]))
        pointer = element_pointer(context, builder, signature, values, FLOAT, FLOATS)
        for quarter in range(4):
            lanes = []
            for point in range(4 * quarter, 4 * quarter + 4):
                lanes += [point, LANES + point, 2 * LANES + point, 3 * LANES + point]
            builder.store(
                shuffle(builder, pairs[0], pairs[1], lanes), offset_pointer(builder, pointer, quarter)
            ).align = 4
        return context.get_dummy_value()

    return types.void(address, index, x, y, z), emit


@intrinsic
def gather_rows4(typingctx, address, rows):
    """The points (x, y, z) of 16 rows of four floats, by row number (i32x16)."""
    row_type = ir.VectorType(FLOAT, 4)

    def emit(context, builder, signature, values):
        base = builder.inttoptr(context.cast(builder, values[0], signature.args[0], types.int64), row_type.as_pointer())
        points = []
        for lane in range(LANES):
            number = builder.zext(builder.extract_element(values[1], ir.Constant(INT32, lane)), INT64)
            row = builder.load(builder.gep(base, [number]))
            row.align = 4
            points.append(row)
        while len(points) > 2:  # concatenate to two vectors of 8 points each
            lanes = list(range(2 * points[0].type.count))
            points = [
                shuffle(builder, left, right, lanes) for left, right in zip(points[::2], points[1::2], strict=True)
            ]
        columns = [
            shuffle(builder, points[0], points[1], [4 * lane + axis for lane in range(LANES)]) for axis in range(3)
        ]
        return context.make_tuple(builder, signature.return_type, columns)

    return types.UniTuple(f32x16, 3)(address, rows), emit


@intrinsic
def load_4x4(typingctx, address, index, stride):
    """A 4 x 4 block of a float plane as one vector; lane = 4 * row + column."""
    row_type = ir.VectorType(FLOAT, 4)

    def emit(context, builder, signature, values):
        stride = context.cast(builder, values[2], signature.args[2], types.int64)
        start = element_pointer(context, builder, signature, values, FLOAT, FLOAT)
        parts = []
        for row in range(4):
            pointer = offset_pointer(builder, start, builder.mul(stride, ir.Constant(INT64, row)))
            loaded = builder.load(builder.bitcast(pointer, row_type.as_pointer()))
            loaded.align = 4
            parts.append(loaded)
        upper, lower = (shuffle(builder, parts[i], parts[i + 1], list(range(8))) for i in (0, 2))
        return shuffle(builder, upper, lower, list(range(LANES)))

    return f32x16(address, index, stride), emit


@intrinsic
def store_16x4(typingctx, address, index, stride, first, second, third, fourth):
    """Stores four 4 x 4 blocks side by side as four rows of 16 floats of a plane; lane = 4 * row + column."""

    def emit(context, builder, signature, values):
        stride = context.cast(builder, values[2], signature.args[2], types.int64)
        start = element_pointer(context, builder, signature, values, FLOAT, FLOAT)
        wide = list(range(2 * LANES))
        halves = [shuffle(builder, values[i], values[i + 1], wide) for i in (3, 5)]  # 32 lanes each
        for row in range(4):
            of_half = [LANES * block + 4 * row + column for block in range(2) for column in range(4)]
            lanes = of_half + [2 * LANES + lane for lane in of_half]
            pointer = offset_pointer(builder, start, builder.mul(stride, ir.Constant(INT64, row)))
            line = shuffle(builder, halves[0], halves[1], lanes)
            builder.store(line, builder.bitcast(pointer, FLOATS.as_pointer())).align = 4
        return context.get_dummy_value()

    return types.void(address, index, stride, first, second, third, fourth), emit


@intrinsic
def store_bytes_4x4(typingctx, address, index, stride, vector):
    """Stores the low bytes of an i32x16 as a 4 x 4 block of a byte plane; lane = 4 * row + column."""

    def emit(context, builder, signature, values):
        _store_byte_rows(context, builder, signature, values, 4, INT32)
        return context.get_dummy_value()

    return types.void(address, index, stride, vector), emit


@intrinsic
def store_bytes_2x2(typingctx, address, index, stride, vector):
    """Stores the low bytes of lanes 0, 2, 8 and 10 of an i32x16 as a 2 x 2 block of a byte plane."""

    def emit(context, builder, signature, values):
        front = [0, 2, 8, 10] * 4
        picked = [*values[:3], shuffle(builder, values[3], values[3], front)]
        _store_byte_rows(context, builder, signature, picked, 2, INT16)
        return context.get_dummy_value()

    return types.void(address, index, stride, vector), emit


def _store_byte_rows(context: Any, builder: Any, signature: Any, values: Any, rows: int, row_type: ir.IntType) -> None:
    stride = context.cast(builder, values[2], signature.args[2], types.int64)
    lanes = 16 * 8 // row_type.width
    packed = builder.bitcast(builder.trunc(values[3], ir.VectorType(INT8, LANES)), ir.VectorType(row_type, lanes))
    pointer = element_pointer(context, builder, signature, values, INT8, INT8)
    for row in range(rows):
        start = offset_pointer(builder, pointer, builder.mul(stride, ir.Constant(INT64, row)))
        value = builder.extract_element(packed, ir.Constant(INT32, row))
        builder.store(value, builder.bitcast(start, row_type.as_pointer())).align = 1
