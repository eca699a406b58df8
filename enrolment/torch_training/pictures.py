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

MASK_SIDE = SIDE // 2
"""Masks are kept at half the pictures' size: a quarter of the memory."""


class Pictures:
    """Pictures of a take on a device; uint8 until they are asked for.

    Args:
        take: what was filmed.
        indices: [P] which of its pictures.
        masks: [P, MASK_SIDE, MASK_SIDE] uint8 what matters in them.
        device: where they are kept.
    """

    def __init__(self, take: Take, indices: NDArray[np.intp], masks: NDArray[np.uint8], device: torch.device) -> None:
        if device.type == "cpu":  # the take's own memory
            self._images, self._alphas = torch.from_numpy(take.images), torch.from_numpy(take.alphas)
            self._rows = torch.from_numpy(indices)
        else:
            self._images = torch.from_numpy(take.images[indices]).to(device)
            self._alphas = torch.from_numpy(take.alphas[indices]).to(device)
            self._rows = torch.arange(len(indices), device=device)
        self._masks = torch.from_numpy(masks).to(device)
        self._outside = {size: torch.from_numpy(take.outside(size)).to(device)[..., None] for size in (SIDE // 2, SIDE)}

    def __len__(self) -> int:
        return len(self._rows)

    def over(self, index: Tensor, background: Tensor, size: int) -> Tensor:
        """[B, size, size, 3] float32 0..1: pictures `index` [B] over the colors `background` [B, 3]."""
        rows = self._rows[index]
        alpha = self._alphas[rows].float().div_(255)[..., None]
        images = self._images[rows].float().div_(255)
        return _of_size(images * alpha + background[:, None, None] * (1 - alpha), size)

    def only_known(self, drawn: Tensor, target: Tensor) -> Tensor:
        """`drawn` [B, size, size, 3], and `target` where the take does not know what there is: nothing is learned."""
        outside = self._outside.get(drawn.shape[1])
        return drawn if outside is None else torch.where(outside, target, drawn)

    def masks(self, index: Tensor, size: int) -> Tensor:
        """[B, size, size, 1] float32: the masks of pictures `index` [B]."""
        return _of_size(self._masks[index].float()[..., None], size)


def mouth_mask(landmarks_px: NDArray[np.floating], margin_px: int = 4) -> NDArray[np.uint8]:
    """[MASK_SIDE, MASK_SIDE] uint8, 1 where lips and what is between them are seen, and up to `margin_px` around.

    Args:
        landmarks_px: [478, 2] MediaPipe's, pixels of a picture of SIDE.
        margin_px: such pixels.
    """
    mask = np.zeros((MASK_SIDE, MASK_SIDE), np.uint8)
    lips = np.nan_to_num(landmarks_px[list(OUTER_LIPS)]) * (MASK_SIDE / SIDE)
    hull = cv2.convexHull(np.clip(lips, -SIDE, SIDE).round().astype(np.int32))
    cv2.fillConvexPoly(mask, np.asarray(hull, np.int32), 1)
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
