"""Numbers that several threads change, and polite waiting, for kernels.

Every access is sequentially consistent. Addresses and indices are as in renderer.simd.memory, elements are int64.
"""

from __future__ import annotations

import os
import platform

from llvmlite import ir
from numba import types as numba_types
from numba.core import types

from renderer.jit import inlined
from renderer.simd.memory import element_pointer
from renderer.simd.types import INT32, INT64, call_llvm, intrinsic

_ORDER = "seq_cst"
_MACHINE = platform.machine().lower()
_CAN_YIELD = hasattr(os, "sched_yield")

_sched_yield = numba_types.ExternalFunction("sched_yield", numba_types.int32())


@intrinsic
def fetch_add(typingctx, address, index, value):
    """Adds `value` and returns what was there before."""

    def emit(context, builder, signature, values):
        pointer = element_pointer(context, builder, signature, values, INT64, INT64)
        added = context.cast(builder, values[2], signature.args[2], types.int64)
        return builder.atomic_rmw("add", pointer, added, _ORDER)

    return types.int64(address, index, value), emit


@intrinsic
def atomic_load(typingctx, address, index):
    """The number."""

    def emit(context, builder, signature, values):
        return builder.load_atomic(element_pointer(context, builder, signature, values, INT64, INT64), _ORDER, 8)

    return types.int64(address, index), emit


@intrinsic
def atomic_store(typingctx, address, index, value):
    """Replaces the number."""

    def emit(context, builder, signature, values):
        stored = context.cast(builder, values[2], signature.args[2], types.int64)
        builder.store_atomic(stored, element_pointer(context, builder, signature, values, INT64, INT64), _ORDER, 8)
        return context.get_dummy_value()

    return types.void(address, index, value), emit


@intrinsic
def pause(typingctx):
    """Tells the processor that this thread waits in a loop (a fraction of a microsecond)."""

    def emit(context, builder, signature, values):
        if _MACHINE in ("x86_64", "amd64", "i686"):
            call_llvm(builder, "llvm.x86.sse2.pause", ir.VoidType(), [])
        elif _MACHINE in ("aarch64", "arm64"):
            call_llvm(builder, "llvm.aarch64.hint", ir.VoidType(), [ir.Constant(INT32, 1)])  # yield
        return context.get_dummy_value()

    return types.void(), emit


if _CAN_YIELD:

    @inlined
    def give_way():
        """Lets another thread have the core, if one wants it."""
        _sched_yield()

else:

    @inlined
    def give_way():
        """Lets another thread have the core, if one wants it (not on this system)."""
        pause()
