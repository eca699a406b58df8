"""What draws: the graphics card if there is a usable one, else the processor."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, get_args

from renderer.avatar.avatar_model import AvatarModel
from renderer.avatar.frame_renderer import FrameRenderer
from renderer.backends.base import Rasterizer
from renderer.backends.cuda import CudaRasterizer, why_unavailable
from renderer.errors import CudaUnavailableError

if TYPE_CHECKING:
    from renderer.backends.cuda_head import CudaHeadRenderer

BackendName = Literal["auto", "cpu", "cuda"]

log = logging.getLogger(__name__)


def choose_backend(name: str = "auto") -> Literal["cpu", "cuda"]:
    """The backend `name`; "auto" is "cuda" where that works, else "cpu". The choice is logged.

    Raises:
        CudaUnavailableError: "cuda" is asked for and cannot be used.
        ValueError: there is no backend of that name.
    """
    if name not in get_args(BackendName):
        raise ValueError(f"no renderer {name!r}, there are {', '.join(get_args(BackendName))}")
    missing = None if name == "cpu" else why_unavailable()
    if name == "cuda" and missing is not None:
        raise CudaUnavailableError(missing)
    chosen = "cpu" if name == "cpu" or missing is not None else "cuda"
    log.info("drawing with %s%s", chosen, f" ({missing})" if missing else "")
    return chosen


def choose_rasterizer(name: str = "auto") -> Rasterizer:
    """A rasterizer of the backend; errors as of `choose_backend`.

    Raises:
        UnsupportedProcessorError: the processor cannot draw.
    """
    if choose_backend(name) == "cuda":
        return CudaRasterizer()
    from renderer.backends.cpu import CpuRasterizer

    return CpuRasterizer()


def head_renderer_maker(name: str, max_size: int) -> Callable[[AvatarModel], FrameRenderer | CudaHeadRenderer]:
    """What makes a renderer of whole frames for one head; errors as of `choose_backend`.

    Args:
        name: of the backend.
        max_size: largest width and height of a picture, pixels.
    """
    if choose_backend(name) == "cuda":
        from renderer.backends.cuda_head import CudaHeadRenderer

        return lambda avatar: CudaHeadRenderer(avatar, max_size)
    return lambda avatar: FrameRenderer(avatar, max_size)
