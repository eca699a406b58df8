"""Stage 2: nearest first.

A stable radix sort of the visible Gaussians by the bits of their depth (positive floats order like integers), in
three passes of 11 bits.
"""

from __future__ import annotations

import numpy as np

from renderer.backends.kernels.layout import RADIX_BITS
from renderer.jit import kernel
from renderer.simd.memory import load_i32, load_i64, store_i32, store_i64

BINS = 1 << RADIX_BITS
DIGIT = BINS - 1


@kernel
def sort_by_depth(state):
    """Fills `order` from `pairs`."""
    histograms = state.histograms_at
    source, target = state.pairs_at, state.spare_pairs_at
    for i in range(3 * BINS):
        store_i32(histograms, i, 0)
    for i in range(state.visible):
        key = load_i64(source, i) >> 32
        for digit in range(3):
            at = digit * BINS + ((key >> (RADIX_BITS * digit)) & DIGIT)
            store_i32(histograms, at, load_i32(histograms, at) + 1)
    for digit in range(3):
        start = 0
        for i in range(digit * BINS, (digit + 1) * BINS):
            size = load_i32(histograms, i)
            store_i32(histograms, i, start)
            start += size
    for digit in range(2):
        for i in range(state.visible):
            pair = load_i64(source, i)
            at = digit * BINS + ((pair >> (32 + RADIX_BITS * digit)) & DIGIT)
            place = load_i32(histograms, at)
            store_i32(histograms, at, place + 1)
            store_i64(target, place, pair)
        source, target = target, source
    for i in range(state.visible):
        pair = load_i64(source, i)
        at = 2 * BINS + ((pair >> (32 + 2 * RADIX_BITS)) & DIGIT)
        place = load_i32(histograms, at)
        store_i32(histograms, at, place + 1)
        store_i32(state.order_at, place, np.int32(pair & 0xFFFFFFFF))
    for i in range(16):  # binning prefetches beyond the end
        store_i32(state.order_at, state.visible + i, 0)
