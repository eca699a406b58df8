"""The stages in sequence, alone or shared with helpers (renderer.backends.kernels.parallel)."""

from __future__ import annotations

import numpy as np

from renderer.backends.kernels.bin import bin_segment
from renderer.backends.kernels.blend import blend_chunk
from renderer.backends.kernels.layout import PROJECT_CHUNK, SCRATCH, SCRATCH_MASKS, TILES_CHUNK
from renderer.backends.kernels.parallel import FRAME_END, begin_phase, help_phases, share_phase
from renderer.backends.kernels.project import project
from renderer.backends.kernels.sort import sort_by_depth
from renderer.jit import inlined, kernel
from renderer.simd.memory import load_i64

PROJECT, BIN, BLEND = 1, 2, 3
FIRST_FREE_KIND = 4
"""Kinds of phases from here on belong to callers."""


@inlined
def scratch_of(state, worker):
    """Address of the memory that only this thread uses."""
    return state.scratch_at + SCRATCH * worker


@kernel
def do_chunk(state, _, worker, kind, chunk):
    """One piece of PROJECT, BIN or BLEND."""
    if kind == BLEND:
        blend_chunk(state, scratch_of(state, worker), chunk)
    elif kind == PROJECT:
        project(state, chunk)
    elif kind == BIN:
        bin_segment(state, chunk, scratch_of(state, worker) + SCRATCH_MASKS)


@inlined
def project_chunks(state):
    """Pieces that projection is done in."""
    return (state.padded + PROJECT_CHUNK - 1) // PROJECT_CHUNK


@inlined
def blend_chunks(state):
    """Pieces that blending is done in."""
    return (state.tiles_x * state.tiles_y + TILES_CHUNK - 1) // TILES_CHUNK


@kernel
def run_phase(state, kind, chunks):
    """The owner's part of PROJECT, BIN or BLEND; returns when all of it is done."""
    share_phase(state.sync_at, state.threads, kind, chunks, do_chunk, state, state)


@inlined
def longest_list(state):
    """The longest list of all tiles and segments."""
    longest = 0
    for segment in range(state.segments):
        longest = max(longest, load_i64(state.longest_at, segment))
    return longest


@kernel
def draw_projected(state):
    """Sorts, bins and blends what is projected; returns whether the picture is complete."""
    sort_by_depth(state)
    run_phase(state, BIN, state.segments)
    complete = longest_list(state) <= state.capacity
    if complete:
        run_phase(state, BLEND, blend_chunks(state))
    begin_phase(state.sync_at, FRAME_END, 0)
    return complete


@kernel
def draw(states):
    """Draws the Gaussians of `states[0]` (layout.RASTER_STATE).

    Returns whether the picture is complete. If not, a tile's list was too short: `longest` says what it needs.
    """
    state = states[0]
    run_phase(state, PROJECT, project_chunks(state))
    return draw_projected(state)


@kernel
def help_draw(states, worker):
    """A helper's part of `draw`."""
    state = states[0]
    help_phases(state.sync_at, worker, do_chunk, state, state)


@kernel
def axes_from_quats(quats, scales, axes):
    """Rotation times diag(scales), structure of arrays.

    Args:
        quats: [N, 4] float32 wxyz, not necessarily unit.
        scales: [N, 3] float32.
        axes: [9, S] float32, written.
    """
    for i in range(len(quats)):
        w, x, y, z = quats[i, 0], quats[i, 1], quats[i, 2], quats[i, 3]
        double = np.float32(2) / (w * w + x * x + y * y + z * z)
        one = np.float32(1)
        sx, sy, sz = scales[i, 0], scales[i, 1], scales[i, 2]
        axes[0, i] = (one - double * (y * y + z * z)) * sx
        axes[1, i] = double * (x * y - w * z) * sy
        axes[2, i] = double * (x * z + w * y) * sz
        axes[3, i] = double * (x * y + w * z) * sx
        axes[4, i] = (one - double * (x * x + z * z)) * sy
        axes[5, i] = double * (y * z - w * x) * sz
        axes[6, i] = double * (x * z - w * y) * sx
        axes[7, i] = double * (y * z + w * x) * sy
        axes[8, i] = (one - double * (x * x + y * y)) * sz


@kernel
def run_project(states):
    """Stage 1 alone."""
    state = states[0]
    for chunk in range(project_chunks(state)):
        do_chunk(state, state, 0, PROJECT, chunk)


@kernel
def run_sort(states):
    """Stage 2 alone."""
    sort_by_depth(states[0])


@kernel
def run_bin(states):
    """Stage 3 alone."""
    state = states[0]
    for segment in range(state.segments):
        do_chunk(state, state, 0, BIN, segment)


@kernel
def run_blend(states):
    """Stages 4 and 5 alone."""
    state = states[0]
    for chunk in range(blend_chunks(state)):
        do_chunk(state, state, 0, BLEND, chunk)
