"""One head on the graphics card, with the methods of renderer.avatar.frame_renderer.FrameRenderer.

Needs PyTorch (extra `cuda`).
"""

from __future__ import annotations

from codec.params import FaceParams
from renderer.avatar.avatar_model import AvatarModel
from renderer.backends.cuda_batch import Rasterization
from renderer.backends.cuda_frames import CudaFrameRenderer
from renderer.background import Background
from renderer.camera import Camera
from renderer.yuv import YuvPlanes


class CudaHeadRenderer:
    """Draws one avatar; arguments and errors as of CudaFrameRenderer and FrameRenderer."""

    def __init__(
        self,
        avatar: AvatarModel,
        max_size: int = 512,
        *,
        device: str = "cuda",
        rasterization: Rasterization | None = None,
    ) -> None:
        self._frames = CudaFrameRenderer([avatar], max_size, device=device, rasterization=rasterization)

    def render(self, params: FaceParams, camera: Camera, background: Background, planes: YuvPlanes) -> None:
        """Draws one instant into a video frame."""
        self._frames.render([params], [camera], [background], [planes])

    def render_view(self, camera: Camera, background: Background, planes: YuvPlanes) -> None:
        """Draws another view of the instant that was rendered last."""
        self._frames.render_view([camera], [background], [planes])
