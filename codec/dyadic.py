"""Rows in an order in which neighbors are alike, told from coarse to fine: every row is predicted from two known ones.

Row 0 comes first and is predicted to be 0. Then, for strides of 2^k, ..., 4, 2, 1, come the rows stride, 3 stride, 5
stride, ...; each is predicted as half the sum, rounded down, of the rows one stride before and behind it, or as the
one before where there is none behind. All of it is exact, in integers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from codec.planes import Integers

COARSE = 8
"""Rows of strides from this on make a first impression."""

Decide = Callable[[Integers, Integers], Integers]
"""From the numbers of rows [m] and their prediction [m, ...] to their values."""


def levels(count: int) -> Iterator[tuple[int, Integers]]:
    """Stride and rows of each level of `count` rows, coarse to fine; the stride of row 0 is that of all rows."""
    stride = 1 << max(count - 1, 0).bit_length()
    yield stride, np.zeros(min(count, 1), np.int64)
    while stride > 1:
        stride //= 2
        yield stride, np.arange(stride, count, 2 * stride)


def order(count: int, *, coarse: bool) -> Integers:
    """The rows of the coarse levels, or those of the others, in the order in which they are told."""
    rows = [rows for stride, rows in levels(count) if (stride >= COARSE or rows[:1].tolist() == [0]) == coarse]
    return np.concatenate([np.zeros(0, np.int64), *rows])


def distances(count: int) -> Integers:
    """[count] 0 for rows that are told at stride 1, 1 for the others: how far their neighbors are."""
    result = np.ones(count, np.int64)
    result[1::2] = 0
    return result


def walk(values: Integers, decide: Decide, *, coarse: bool) -> None:
    """Fills the rows of the coarse levels, or those of the others, in place.

    Args:
        values: [n, ...]; what was told before is there already.
        decide: called with the rows of each level in turn.
        coarse: which of them.
    """
    count = len(values)
    for stride, rows in levels(count):
        if not len(rows) or (stride >= COARSE or rows[0] == 0) != coarse:
            continue
        if rows[0] == 0:
            predicted = np.zeros_like(values[:1])
        else:
            behind = np.where(rows + stride < count, rows + stride, rows - stride)
            predicted = (values[rows - stride] + values[behind]) >> 1
        values[rows] = decide(rows, predicted)
