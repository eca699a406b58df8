"""The only place that configures Numba.

Kernels are serial and release the GIL: one frame of one head takes a few milliseconds on one core, and several heads
are drawn by several Python threads. Numba's own parallel regions are not used, because entering them from more than
one thread is unsafe with its portable threading layer, and because spinning workers ruin a shared machine.

Compiled code is cached on disk under a directory named after a digest of the kernels' sources. Numba itself notices
only changes of the file that a cached function stands in, not of the functions that were inlined into it, so that an
update could otherwise run old code on new memory layouts.
"""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import llvmlite.binding
import numba
import numba.core.config

from renderer.errors import UnsupportedProcessorError

Function = TypeVar("Function", bound=Callable[..., Any])

config: Any = numba.core.config

_X86_FEATURES = ("avx2", "fma", "f16c")

_KEPT_CACHES = 4
"""Directories of other versions of the kernels that stay, for installations that share a home."""


_REORDER = {"reassoc", "contract", "nsz", "arcp", "afn"}
"""Freedoms for loops that LLVM is to vectorize; not "nnan" and "ninf", which would drop guards against NaN."""


def kernel(function: Function) -> Function:
    """Compiles a function that Python or other kernels call; the result is cached on disk."""
    return _compiled(function, fastmath=False)


def reordering_kernel(function: Function) -> Function:
    """The same for plain loops over arrays: sums and products may be taken in another order."""
    return _compiled(function, fastmath=_REORDER)


def _compiled(function: Function, fastmath: Any) -> Function:
    numba_setting = config.CACHE_DIR  # read by numba when it decorates, restored for other users of numba
    config.CACHE_DIR = str(cache_directory())
    try:
        compiler = numba.njit(nogil=True, cache=True, error_model="numpy", boundscheck=False, fastmath=fastmath)
        return cast(Any, compiler(function))
    finally:
        config.CACHE_DIR = numba_setting


def inlined(function: Function) -> Function:
    """Compiles a helper into every kernel that calls it, so that vectors stay in registers."""
    return cast(Any, numba.njit(nogil=True, error_model="numpy", boundscheck=False, forceinline=True)(function))


@functools.cache
def require_processor() -> None:
    """Makes sure that kernels can run here: on x86, a processor of 2013 or later.

    Raises:
        UnsupportedProcessorError: instructions are missing; LLVM would end the program.
    """
    present = llvmlite.binding.get_host_cpu_features()
    needed = _X86_FEATURES if platform.machine().lower() in ("x86_64", "amd64") else ()
    missing = [name for name in needed if not present.get(name)]
    if missing:
        raise UnsupportedProcessorError(f"this processor lacks {', '.join(missing)}: heads cannot be drawn on it")


@functools.cache
def cache_directory() -> Path:
    """Where compiled kernels are kept: in NUMBA_CACHE_DIR or else in the user's cache directory."""
    base = Path(config.CACHE_DIR) if config.CACHE_DIR else _user_cache() / "visavis" / "kernels"
    directory = base / _source_digest()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        others = [other for other in base.glob("visavis-*") if other.is_dir() and other != directory]
        for stale in sorted(others, key=lambda other: other.stat().st_mtime)[:-_KEPT_CACHES]:
            shutil.rmtree(stale, ignore_errors=True)
        if os.access(directory, os.W_OK):
            return directory
    except OSError:
        pass  # a read-only home: compile once for each run of the program
    return Path(tempfile.mkdtemp(prefix="visavis-kernels-"))


def _user_cache() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def _source_digest() -> str:
    root = Path(__file__).parent
    constants = [root / "spherical_harmonics.py", root / "head" / "pose.py"]
    sources = [root / "jit.py", *constants, *root.glob("simd/*.py"), *root.glob("*/kernels/*.py")]
    digest = hashlib.sha256(numba.__version__.encode())
    for source in sorted(sources):
        digest.update(source.read_bytes())
    return "visavis-" + digest.hexdigest()[:16]
