"""Interleaved range asymmetric numeral systems (Duda 2013; Giesen 2014) with static models, vectorized over lanes.

Only integers, so that every platform reads the same symbols. Symbol i belongs to lane i mod L; each lane has a state
of 32 bits, at least `LEAST` between symbols, and all share one sequence of 16-bit words. A model of TOTAL parts gives
each symbol `size` parts from `start` on:

    read:  slot = state mod TOTAL; the symbol is the one that has this slot;
           state = size * (state // TOTAL) + slot - start; if state < LEAST: state = state * 65536 + next word

One row of L symbols is read at a time; lanes that need a word take theirs in the order of the lanes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from codec.errors import AvatarFileError

TOTAL_BITS = 12
TOTAL = 1 << TOTAL_BITS
LEAST = 1 << 16
MAX_LANES = 512
_WORD_BITS = 16

States = NDArray[np.uint64]


def lanes_for(count: int) -> int:
    """How many lanes `count` symbols are spread over: a power of two, for 160 rows or more, at most MAX_LANES."""
    return min(1 << max(count // 160, 1).bit_length() - 1, MAX_LANES)


def encode(sizes: NDArray[np.integer], starts: NDArray[np.integer]) -> bytes:
    """The code of n symbols.

    Args:
        sizes: [n] parts of TOTAL of each, at least 1.
        starts: [n] first part of each.

    Returns:
        The final states of the lanes, little-endian u32, then the words, little-endian u16.
    """
    lanes = lanes_for(len(sizes))
    sizes, starts = sizes.astype(np.uint64), starts.astype(np.uint64)
    states = np.full(lanes, LEAST, np.uint64)
    rows: list[NDArray[np.uint16]] = []
    for first in range((len(sizes) - 1) // lanes * lanes, -1, -lanes):
        size, start = sizes[first : first + lanes], starts[first : first + lanes]
        state = states[: len(size)]
        full = state >= size << np.uint64(2 * _WORD_BITS - TOTAL_BITS)
        rows.append((state[full] & np.uint64(0xFFFF)).astype("<u2"))
        state = np.where(full, state >> np.uint64(_WORD_BITS), state)
        quotient, rest = np.divmod(state, size)
        states[: len(size)] = (quotient << np.uint64(TOTAL_BITS)) + rest + start
    return states.astype("<u4").tobytes() + b"".join(row.tobytes() for row in reversed(rows))


def decode(data: bytes, models: NDArray[np.integer], sizes: NDArray[np.integer]) -> NDArray[np.int64]:
    """The symbols that `encode` wrote.

    Args:
        data: from anywhere.
        models: [n] which model each symbol has, 0 .. M - 1.
        sizes: [M, S] parts of each model's symbols; each row adds up to TOTAL.

    Raises:
        AvatarFileError: bytes are missing, left over or not those of an encoder.
    """
    count, lanes = len(models), lanes_for(len(models))
    if len(data) < 4 * lanes or len(data) % 2:
        raise AvatarFileError("A section of the avatar file is truncated")
    states = np.frombuffer(data, "<u4", lanes).astype(np.uint64)
    words = np.frombuffer(data, "<u2", offset=4 * lanes).astype(np.uint64)
    if (states < LEAST).any():
        raise AvatarFileError("A section of the avatar file has an impossible code")
    symbols, slot_sizes, offsets = _slots(sizes)
    bases = models.astype(np.int64) << TOTAL_BITS
    found = np.empty(count, np.int64)
    word_bits, total_bits, slot_mask = np.uint64(_WORD_BITS), np.uint64(TOTAL_BITS), np.uint64(TOTAL - 1)
    position = 0
    for first in range(0, count, lanes):
        base = bases[first : first + lanes]
        state = states[: len(base)]
        slots = (state & slot_mask).astype(np.int64) + base
        found[first : first + lanes] = slots
        state = slot_sizes[slots] * (state >> total_bits) + offsets[slots]
        short = (state < LEAST).nonzero()[0]
        after = position + len(short)
        if after > len(words):
            raise AvatarFileError("A section of the avatar file is truncated")
        state[short] = state[short] << word_bits | words[position:after]
        states[: len(base)], position = state, after
    if position != len(words) or (states != LEAST).any():
        raise AvatarFileError("A section of the avatar file has an impossible code")
    return symbols[found]


def _slots(sizes: NDArray[np.integer]) -> tuple[NDArray[np.int64], States, States]:
    """For every slot of every model, [M * TOTAL] each: its symbol, the symbol's size, and the slot less its start."""
    models, alphabet = int(sizes.shape[0]), int(sizes.shape[1])
    flat = sizes.astype(np.int64).ravel()
    starts = np.cumsum(sizes, axis=1, dtype=np.int64) - sizes
    every: NDArray[np.int64] = np.arange(models * alphabet) % alphabet
    symbols = np.repeat(every, flat)
    offsets = np.tile(np.arange(TOTAL), models) - np.repeat(starts.ravel(), flat)
    return symbols, np.repeat(flat, flat).astype(np.uint64), offsets.astype(np.uint64)
