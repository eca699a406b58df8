"""The slow mode that looks for strays: VISAVIS_RENDER_CHECKS=1.

Kernels work on bare addresses. In this mode the stages run one by one; between them every number that will be used as
an index is compared with its range, and the guards around every buffer must be untouched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from renderer.backends.kernels import draw as stages
from renderer.backends.kernels import layout

if TYPE_CHECKING:
    from renderer.backends.workspace import RasterWorkspace

SWITCH = "VISAVIS_RENDER_CHECKS"
GUARD_BYTES = 64
GUARD_VALUE = 0xA5

UNADDRESSED = ("planar", "background")
"""Buffers that not every frame uses."""


def check_guards(name: str, buffer: NDArray) -> None:
    """Raises AssertionError if something was written just before or after a buffer of renderer.backends.buffers."""
    memory = buffer
    while isinstance(memory.base, np.ndarray):
        memory = memory.base
    start = buffer.ctypes.data - memory.ctypes.data
    end = start + buffer.nbytes
    if (memory[start - GUARD_BYTES : start] != GUARD_VALUE).any() or (
        memory[end : end + GUARD_BYTES] != GUARD_VALUE
    ).any():
        raise AssertionError(f"a kernel wrote outside of the buffer {name}")


def check_range(name: str, values: NDArray, end: int) -> None:
    """Raises AssertionError unless all integers lie in 0..end - 1."""
    if values.size and (values.min() < 0 or values.max() >= end):
        raise AssertionError(f"{name} lie in {values.min()}..{values.max()}, expected 0..{end - 1}")


def draw(workspace: RasterWorkspace) -> bool:
    """renderer.backends.kernels.draw.draw, checked."""
    states, buffers = workspace.states, workspace.buffers
    for name, buffer in buffers.items():
        if name not in UNADDRESSED and states[f"{name}_at"][0] != buffer.ctypes.data:
            raise AssertionError(f"the state does not point to the buffer {name}")
    stages.run_project(states)
    _check_all(workspace)
    count = int(states["count"][0])
    check_range("numbers of visible Gaussians in a chunk", buffers["visible"], layout.PROJECT_CHUNK + 1)
    for chunk, size in enumerate(buffers["visible"].tolist()):
        first = chunk * layout.PROJECT_CHUNK
        check_range("numbers of visible Gaussians", buffers["pairs"][first : first + size] & 0xFFFFFFFF, count)
    stages.run_sort(states)
    _check_all(workspace)
    visible = int(states["visible"][0])
    check_range("numbers in order", buffers["order"][:visible], count)
    if visible and (np.diff(buffers["depths"][buffers["order"][:visible]]) < 0).any():
        raise AssertionError("the order is not that of the depths")
    stages.run_bin(states)
    _check_all(workspace)
    capacity, tiles, segments = (int(states[name][0]) for name in ("capacity", "grid", "segments"))
    if buffers["longest"].max() > capacity:
        return False
    starts = [visible * segment // segments for segment in range(segments + 1)]
    for segment in range(segments):
        counts = buffers["counts"][segment * tiles : (segment + 1) * tiles]
        check_range("lengths of lists", counts, starts[segment + 1] - starts[segment] + 1)
        lists = buffers["entries"][segment * tiles * capacity :]
        used = [lists[tile * capacity : tile * capacity + n] for tile, n in enumerate(counts.tolist()) if n]
        entries = np.concatenate(used) if used else np.zeros(0, np.int32)
        end = count if workspace.padded <= layout.SMALL_CLOUD else starts[segment + 1] - starts[segment]
        check_range("numbers in lists", entries & 0xFFFF, end)
        if not (entries >> 16).all():
            raise AssertionError("an entry touches no block")
    stages.run_blend(states)
    _check_all(workspace)
    return True


def _check_all(workspace: RasterWorkspace) -> None:
    for name, buffer in workspace.buffers.items():
        check_guards(name, buffer)
