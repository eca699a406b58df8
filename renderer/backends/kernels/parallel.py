"""One frame drawn by several threads: how they share the work.

The thread that wants the picture, the owner, works through phases; a phase is a number of chunks that may be done in
any order. Other threads, the helpers, may be there or not, come late or never: whoever is free takes the next chunk,
and at the end of a phase the owner waits only for chunks that somebody has begun. Nobody waits for a helper to arrive,
and a helper that finds nothing for a while goes back to sleep, so that a busy machine does not stutter.

All state is two numbers: the ticket, `kind << 48 | chunks << 24 | next`, which is advanced by an atomic addition and so
names phase and chunk at once, and how many chunks are done. Kind 0 is the end of the frame.
"""

from __future__ import annotations

from renderer.jit import inlined
from renderer.simd.atomics import atomic_load, atomic_store, fetch_add, give_way, pause

TICKET, DONE = 0, 8
"""Elements (int64) of the shared numbers, a cache line each."""

SYNC_SIZE = 16

FRAME_END = 0
NOTHING = -1

_CHUNK_BITS = 24
_CHUNK_MASK = (1 << _CHUNK_BITS) - 1
_SPINS = 200
"""Looks at the number (some 50 ns each) before the core is offered to others."""

_PATIENCE = 4000
"""Looks after which a helper gives up: between phases it waits some 0.1 ms, after the frame not at all."""


@inlined
def begin_phase(sync, kind, chunks):
    """Opens a phase of `chunks` chunks; the phase before must be finished."""
    atomic_store(sync, DONE, 0)
    atomic_store(sync, TICKET, (kind << (2 * _CHUNK_BITS)) | (chunks << _CHUNK_BITS))


@inlined
def take_chunk(sync):
    """(kind, chunk) of the next chunk that nobody has, or (kind, NOTHING)."""
    ticket = atomic_load(sync, TICKET)
    if (ticket & _CHUNK_MASK) < ((ticket >> _CHUNK_BITS) & _CHUNK_MASK):
        ticket = fetch_add(sync, TICKET, 1)
        chunk = ticket & _CHUNK_MASK
        if chunk < ((ticket >> _CHUNK_BITS) & _CHUNK_MASK):
            return ticket >> (2 * _CHUNK_BITS), chunk
    return ticket >> (2 * _CHUNK_BITS), NOTHING


@inlined
def finish_chunk(sync):
    """A chunk that was taken is done."""
    fetch_add(sync, DONE, 1)


@inlined
def wait_for_chunks(sync, chunks):
    """Returns when all chunks of the phase are done; there must be none left to take."""
    looks = 0
    while atomic_load(sync, DONE) < chunks:
        looks += 1
        if looks < _SPINS:
            pause()
        else:
            give_way()


@inlined
def share_phase(sync, threads, kind, chunks, do, this, that):
    """The owner's part of a phase: opens it, does what nobody else does, returns when all of it is done.

    Args:
        sync: address of the shared numbers.
        threads: how many may work on it; one needs none of this.
        kind: of the phase.
        chunks: how many there are.
        do: a kernel (this, that, worker, kind, chunk) that does one chunk.
        this, that: whatever `do` needs.
    """
    if threads == 1:
        for chunk in range(chunks):
            do(this, that, 0, kind, chunk)
        return
    begin_phase(sync, kind, chunks)
    while True:
        _, chunk = take_chunk(sync)
        if chunk == NOTHING:
            break
        do(this, that, 0, kind, chunk)
        finish_chunk(sync)
    wait_for_chunks(sync, chunks)


@inlined
def help_phases(sync, worker, do, this, that):
    """A helper's part of all phases: takes chunks until the frame ends or there is nothing to do for long."""
    looks = 0
    while True:
        kind, chunk = take_chunk(sync)
        if chunk != NOTHING:
            do(this, that, worker, kind, chunk)
            finish_chunk(sync)
            looks = 0
            continue
        looks += 1
        if kind == FRAME_END or looks == _PATIENCE:
            return
        if looks % _SPINS == 0:
            give_way()
        pause()
