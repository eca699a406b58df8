"""The CUDA rasterizer: gsplat behind the interface of renderer.backends.base (docs/cuda.md).

Importing this module needs neither PyTorch nor gsplat (extra `cuda`); making a rasterizer does, and a graphics card.
"""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from renderer.background import Background
from renderer.camera import Camera
from renderer.errors import CudaUnavailableError
from renderer.gaussians import GaussianCloud
from renderer.yuv import YuvPlanes

if TYPE_CHECKING:
    from renderer.backends.cuda_batch import Rasterization
    from renderer.backends.cuda_output import Output

log = logging.getLogger(__name__)


@functools.cache
def why_unavailable() -> str | None:
    """What CUDA drawing lacks here, as a sentence; None if it can be used.

    Where everything is there, gsplat compiles its kernels when this is called for the first time on a machine, which
    takes minutes.
    """
    for name in ("torch", "gsplat"):
        if find_spec(name) is None:
            return f"Drawing with CUDA needs {name}, which is not installed: pip install 'visavis[cuda]'."
    import torch  # pyright: ignore[reportMissingImports]

    if not torch.cuda.is_available():
        return "Drawing with CUDA needs an NVIDIA graphics card with its driver, and PyTorch finds none."
    log.info("loading gsplat's kernels; the first time they are compiled, which takes minutes")
    try:
        from gsplat.cuda import _backend  # pyright: ignore[reportMissingImports]
    except (ImportError, OSError, RuntimeError) as error:  # whatever the compiler says
        reason = (str(error).splitlines() or ["no reason given"])[0]
        return f"gsplat could not compile its kernels ({reason[:200]}): is CUDA's toolkit that of PyTorch's version?"
    if _backend._C is None:
        return "gsplat could not compile its kernels: install NVIDIA's CUDA toolkit, which brings nvcc."
    return None


def load_rasterization() -> Rasterization:
    """gsplat's function that draws.

    Raises:
        CudaUnavailableError: it cannot be used here.
    """
    reason = why_unavailable()
    if reason is not None:
        raise CudaUnavailableError(reason)
    from gsplat import rasterization  # pyright: ignore[reportMissingImports]

    return rasterization


class CudaRasterizer:
    """Draws clouds on a graphics card, those of several peers in one call.

    Calls from several threads take turns. Differences from the exact rules stand in docs/cuda.md.

    Args:
        device: PyTorch's name of the card.
        rasterization: for tests: what draws in gsplat's place; then `device` may be "cpu".

    Raises:
        CudaUnavailableError: PyTorch, gsplat or the card is missing.
    """

    name = "cuda"

    def __init__(self, device: str = "cuda", *, rasterization: Rasterization | None = None) -> None:
        self._rasterization = rasterization or load_rasterization()
        import torch  # pyright: ignore[reportMissingImports]

        from renderer.backends.cuda_output import Reader

        self._device = torch.device(device)
        self._reader = Reader(self._device)
        self._lock = threading.Lock()

    def rasterize(self, cloud: GaussianCloud, camera: Camera, background: Background) -> NDArray[np.float32]:
        """[H, W, 3] float32 image, sRGB 0..1, over `background`.

        Raises:
            ValueError: a picture size out of range, or a background of another size.
        """
        return self.rasterize_batch([cloud], [camera], [background])[0]

    def rasterize_batch(
        self, clouds: Sequence[GaussianCloud], cameras: Sequence[Camera], backgrounds: Sequence[Background]
    ) -> list[NDArray[np.float32]]:
        """[H, W, 3] float32 images of B peers, drawn in one call for each picture size; otherwise as `rasterize`.

        Args:
            clouds: B of them.
            cameras: one for each cloud; sizes may differ.
            backgrounds: one for each cloud.
        """
        return self._draw(clouds, cameras, backgrounds, "float")

    def rasterize_batch_rgb8(
        self, clouds: Sequence[GaussianCloud], cameras: Sequence[Camera], backgrounds: Sequence[Background]
    ) -> list[NDArray[np.uint8]]:
        """[H, W, 3] uint8 images, sRGB; otherwise as `rasterize_batch`."""
        return self._draw(clouds, cameras, backgrounds, "rgb8")

    def rasterize_batch_yuv(
        self, clouds: Sequence[GaussianCloud], cameras: Sequence[Camera], backgrounds: Sequence[Background]
    ) -> list[YuvPlanes]:
        """Video pictures; otherwise as `rasterize_batch`."""
        from renderer.backends.cuda_output import planes_of

        pictures = self._draw(clouds, cameras, backgrounds, "i420")
        return [
            planes_of(picture, camera.width, camera.height) for picture, camera in zip(pictures, cameras, strict=True)
        ]

    def _draw(
        self,
        clouds: Sequence[GaussianCloud],
        cameras: Sequence[Camera],
        backgrounds: Sequence[Background],
        output: Output,
    ) -> list[NDArray[Any]]:
        import torch  # pyright: ignore[reportMissingImports]

        from renderer.backends.cuda_batch import draw, groups_by_size, upload
        from renderer.backends.cuda_output import convert

        if not len(clouds) == len(cameras) == len(backgrounds):
            raise ValueError(f"{len(clouds)} clouds, {len(cameras)} cameras and {len(backgrounds)} backgrounds")
        groups = groups_by_size(cameras)
        with self._lock, torch.inference_mode():
            results = []
            for group in groups:
                batch = upload([clouds[i] for i in group], self._device)
                pictures = draw(
                    self._rasterization, batch, [cameras[i] for i in group], [backgrounds[i] for i in group]
                )
                results.append(convert(pictures, output))
            arrays = self._reader.send(results).wait()
            drawn = {
                i: picture.copy()
                for group, array in zip(groups, arrays, strict=True)
                for i, picture in zip(group, array, strict=True)
            }
        return [drawn[i] for i in range(len(clouds))]
