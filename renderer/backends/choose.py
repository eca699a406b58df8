"""Which rasterizer draws: the graphics card's if there is a usable one, else the processor's."""

from __future__ import annotations

import logging
from typing import Literal, get_args

from renderer.backends.base import Rasterizer
from renderer.backends.cuda import CudaRasterizer, why_unavailable

BackendName = Literal["auto", "cpu", "cuda"]

log = logging.getLogger(__name__)


def choose_rasterizer(name: BackendName = "auto") -> Rasterizer:
    """The rasterizer `name`; "auto" is "cuda" where that works, else "cpu". The choice is logged.

    Raises:
        CudaUnavailableError: "cuda" is asked for and cannot be used.
        UnsupportedProcessorError: the processor cannot draw.
        ValueError: there is no rasterizer of that name.
    """
    if name not in get_args(BackendName):
        raise ValueError(f"no rasterizer {name!r}, there are {', '.join(get_args(BackendName))}")
    missing = why_unavailable() if name == "auto" else None
    if name == "cuda" or (name == "auto" and missing is None):
        rasterizer: Rasterizer = CudaRasterizer()
    else:
        from renderer.backends.cpu import CpuRasterizer

        rasterizer = CpuRasterizer()
    log.info("drawing with %s%s", rasterizer.name, f" ({missing})" if missing else "")
    return rasterizer
