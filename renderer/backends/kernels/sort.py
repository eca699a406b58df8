"""Stage 2: nearest first.

A stable radix sort of the visible Gaussians by the bits of their depth (positive floats order like integers), in
three passes of 11 bits.
"""

from __future__ import annotations

import numpy as np

from renderer.backends.kernels.layout import PROJECT_CHUNK, RADIX_BITS
from renderer.jit import inlined, kernel
from renderer.simd.memory import load_i32, load_i64, store_i32, store_i64

BINS = 1 << RADIX_BITS
DIGIT = BINS - 1


@inlined
def place_pair(histograms, digit, pair, target):
    """Appends a pair to the run of its digit."""
    at = digit * BINS + ((pair >> (32 + RADIX_BITS * digit)) & DIGIT)
    place = load_i32(histograms, at)
    store_i32(histograms, at, place + 1)
    store_i64(target, place, pair)


@kernel
def sort_by_depth(state):
    """Fills `order` from `pairs`; sets `visible`."""
    histograms = state.histograms_at
    source, target = state.pairs_at, state.spare_pairs_at
    for i in range(3 * BINS):
        store_i32(histograms, i, 0)
    visible = 0
    chunks = (state.padded + PROJECT_CHUNK - 1) // PROJECT_CHUNK
    for chunk in range(chunks):
        first, count = chunk * PROJECT_CHUNK, load_i64(state.visible_at, chunk)
        visible += count
        for i in range(first, first + count):
            key = load_i64(source, i) >> 32
            for digit in range(3):
                at = digit * BINS + ((key >> (RADIX_BITS * digit)) & DIGIT)
                store_i32(histograms, at, load_i32(histograms, at) + 1)
    state.visible = visible
    for digit in range(3):
        start = 0
        for i in range(digit * BINS, (digit + 1) * BINS):
            size = load_i32(histograms, i)
            store_i32(histograms, i, start)
            start += size
    for chunk in range(chunks):
        first, count = chunk * PROJECT_CHUNK, load_i64(state.visible_at, chunk)
        for i in range(first, first + count):
            pair = load_i64(source, i)
            place_pair(histograms, 0, pair, target)
    for i in range(visible):
        place_pair(histograms, 1, load_i64(target, i), source)
    for i in range(visible):
        pair = load_i64(source, i)
        at = 2 * BINS + ((pair >> (32 + 2 * RADIX_BITS)) & DIGIT)
        place = load_i32(histograms, at)
        store_i32(histograms, at, place + 1)
        store_i32(state.order_at, place, np.int32(pair & 0xFFFFFFFF))
    for i in range(16):  # binning prefetches beyond the end
        store_i32(state.order_at, visible + i, 0)
