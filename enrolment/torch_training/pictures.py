"""The pictures of a take as tensors: what a trainer's own pictures are compared with."""

from __future__ import annotations

import cv2
import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from numpy.typing import NDArray
from torch import Tensor  # pyright: ignore[reportMissingImports]
from torch.nn.functional import avg_pool2d  # pyright: ignore[reportMissingImports]

from enrolment.take import SIDE, Take

OUTER_LIPS = (
    *(61, 146, 91, 181, 84, 17, 314, 405, 321, 375),
    *(291, 409, 270, 269, 267, 0, 37, 39, 40, 185),
)
"""MediaPipe's landmarks around the lips."""

EYES = (
    (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246),
    (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466),
)
"""MediaPipe's landmarks around the right and the left eye."""

MASK_SIDE = SIDE // 2
"""Masks are kept at half the pictures' size: a quarter of the memory."""


class Pictures:
    """Pictures of a take on a device; uint8 until they are asked for.

    Args:
        take: what was filmed.
        indices: [P] which of its pictures.
        device: where they are kept.
    """

    def __init__(self, take: Take, indices: NDArray[np.intp], device: torch.device) -> None:
        if device.type == "cpu":  # the take's own memory
            self._images, self._alphas = torch.from_numpy(take.images), torch.from_numpy(take.alphas)
            self._rows = torch.from_numpy(indices)
        else:
            self._images = torch.from_numpy(take.images[indices]).to(device)
            self._alphas = torch.from_numpy(take.alphas[indices]).to(device)
            self._rows = torch.arange(len(indices), device=device)
        landmarks = take.landmarks_px[indices]
        mouths = np.stack([polygon_mask(points[list(OUTER_LIPS)]) for points in landmarks])
        eyes = np.stack([np.maximum(*(polygon_mask(points[list(eye)]) for eye in EYES)) for points in landmarks])
        self._mouths = torch.from_numpy(mouths).to(device)
        self._eyes = torch.from_numpy(eyes).to(device)

    def __len__(self) -> int:
        return len(self._rows)

    def over(self, index: Tensor, background: Tensor, size: int) -> Tensor:
        """[B, size, size, 3] float32 0..1: pictures `index` [B] over the colors `background` [B, 3]."""
        rows = self._rows[index]
        alpha = self._alphas[rows].float().div_(255)[..., None]
        images = self._images[rows].float().div_(255)
        return _of_size(images * alpha + background[:, None, None] * (1 - alpha), size)

    def mouths(self, index: Tensor, size: int) -> Tensor:
        """[B, size, size, 1] float32 0..1: where lips and what is between them are seen."""
        return _of_size(self._mouths[index].float()[..., None], size)

    def eyes(self, index: Tensor, size: int) -> Tensor:
        """[B, size, size, 1] float32 0..1: where the eyes are seen."""
        return _of_size(self._eyes[index].float()[..., None], size)


def polygon_mask(points: NDArray[np.floating], margin_px: int = 4) -> NDArray[np.uint8]:
    """[MASK_SIDE, MASK_SIDE] uint8, 1 in the convex hull of `points` and up to `margin_px` around it.

    Args:
        points: [n, 2] pixels of a picture of SIDE.
        margin_px: such pixels.
    """
    mask = np.zeros((MASK_SIDE, MASK_SIDE), np.uint8)
    inside = np.clip(np.nan_to_num(points) * (MASK_SIDE / SIDE), -SIDE, SIDE).round().astype(np.int32)
    cv2.fillConvexPoly(mask, np.asarray(cv2.convexHull(inside), np.int32), 1)
    reach = margin_px * MASK_SIDE // SIDE
    return np.asarray(cv2.dilate(mask, np.ones((2 * reach + 1,) * 2, np.uint8)), np.uint8)


def _of_size(images: Tensor, size: int) -> Tensor:
    """[B, size, size, C] of the pictures [B, S, S, C]: means of squares, or each pixel several times."""
    side = images.shape[1]
    if size > side:
        times = size // side
        return images.repeat_interleave(times, 1).repeat_interleave(times, 2)
    if size < side:
        return avg_pool2d(images.permute(0, 3, 1, 2), side // size).permute(0, 2, 3, 1)
    return images
