"""Memory for kernels: buffers that are addressed through a record, one field `<name>_at` for each."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike, NDArray

from renderer.backends import checks

ALIGNMENT = 64


def aligned(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray:
    """Zeros that start at a cache line, with a guard of bytes before and after (renderer.backends.checks)."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    memory = np.zeros(size + ALIGNMENT + 2 * checks.GUARD_BYTES, np.uint8)
    start = -(memory.ctypes.data + checks.GUARD_BYTES) % ALIGNMENT + checks.GUARD_BYTES
    memory[start - checks.GUARD_BYTES : start] = checks.GUARD_VALUE
    memory[start + size : start + size + checks.GUARD_BYTES] = checks.GUARD_VALUE
    return memory[start : start + size].view(dtype).reshape(shape)


class AddressedBuffers:
    """A kernels' state and the buffers behind it.

    Args:
        layout: numpy type of the record.

    Attributes:
        states: [1] the record, as kernels take it.
        buffers: by name, those that are used now.
    """

    def __init__(self, layout: np.dtype) -> None:
        self.states = np.zeros(1, layout)
        self.buffers: dict[str, NDArray] = {}
        self._shared: set[str] = set()

    def add(self, name: str, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray:
        """Allocates the buffer behind the state's field `<name>_at`, replacing an earlier one."""
        buffer = aligned(shape, dtype)
        self.buffers[name] = buffer
        self.states[f"{name}_at"] = buffer.ctypes.data
        return buffer

    def add_copy(self, name: str, source: NDArray) -> NDArray:
        """The same, holding a copy of `source`."""
        buffer = self.add(name, source.shape, source.dtype)
        buffer[...] = source
        return buffer

    def share(self, name: str, array: NDArray) -> None:
        """Uses an array that others use, too: it is not written to, and has no guards."""
        self._shared.add(name)
        self.buffers[name] = array
        self.states[f"{name}_at"] = array.ctypes.data

    def check_own(self) -> None:
        """Raises AssertionError if something was written just before or after a buffer that is not shared."""
        for name, buffer in self.buffers.items():
            if name not in self._shared:
                checks.check_guards(name, buffer)
