"""What trainers call a difference between two pictures. Pictures are [B, H, W, 3] float32, sRGB 0..1."""

from __future__ import annotations

import torch  # pyright: ignore[reportMissingImports]
from torch import Tensor  # pyright: ignore[reportMissingImports]
from torch.nn.functional import conv2d, huber_loss, pad  # pyright: ignore[reportMissingImports]

LUMA = (0.299, 0.587, 0.114)
WINDOW_REACH, WINDOW_SIGMA_PX = 3, 1.5
_C1, _C2 = 0.01**2, 0.03**2


def huber(picture: Tensor, target: Tensor, delta: float, weights: Tensor) -> Tensor:
    """Mean over all pixels and colors of the Huber loss (d^2 / 2 up to `delta`) times `weights` [B, H, W, 1]."""
    return huber_loss(picture, target, reduction="none", delta=delta).mul(weights).mean()


def dissimilarity(picture: Tensor, target: Tensor) -> Tensor:
    """1 - mean SSIM of luma (Wang et al. 2004): a window of seven pixels, edges repeated."""
    luma = torch.tensor(LUMA, device=picture.device)
    x, y = (pictures @ luma for pictures in (picture, target))
    x, y = (pad(planes[:, None], (WINDOW_REACH,) * 4, mode="replicate")[:, 0] for planes in (x, y))
    x, y, xx, yy, xy = _blurred(torch.stack([x, y, x * x, y * y, x * y], dim=1)).unbind(1)
    variances, covariance = xx - x * x + yy - y * y, xy - x * y
    similar = (2 * x * y + _C1) * (2 * covariance + _C2) / ((x * x + y * y + _C1) * (variances + _C2))
    return 1 - similar.mean()


def _blurred(planes: Tensor) -> Tensor:
    """[B, C, H - 6, W - 6] planes [B, C, H, W] under a Gaussian window."""
    at = torch.arange(-WINDOW_REACH, WINDOW_REACH + 1, device=planes.device)
    window = torch.exp(-0.5 * (at / WINDOW_SIGMA_PX) ** 2)
    window = window / window.sum()
    flat = planes.flatten(0, 1)[:, None]
    flat = conv2d(conv2d(flat, window[None, None, None]), window[None, None, :, None])
    return flat[:, 0].unflatten(0, planes.shape[:2])
