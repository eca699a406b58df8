"""From pictures on the graphics card to bytes in the computer's memory: converted there, copied while it goes on.

Needs PyTorch (extra `cuda`).
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from numpy.typing import NDArray
from torch import Tensor  # pyright: ignore[reportMissingImports]

from renderer.yuv import RGB_TO_YUV, YuvPlanes

Output = Literal["float", "rgb8", "i420"]
"""[H, W, 3] float32; [H, W, 3] uint8; or the bytes of an I420 picture, its planes one after the other."""


def convert(pictures: Tensor, output: Output) -> Tensor:
    """[B, H, W, 3] float32 pictures as `output`; the first dimension stays."""
    if output == "float":
        return pictures
    if output == "rgb8":
        return (255 * pictures.clamp(0, 1) + 0.5).to(torch.uint8)
    return to_i420(pictures)


def to_i420(pictures: Tensor) -> Tensor:
    """[B, bytes] uint8 I420 pictures of [B, H, W, 3], as renderer.yuv.YuvPlanes.write_rgb makes them."""
    size, height, width = pictures.shape[:3]
    yuv = pictures.clamp(0, 1) @ _yuv_from_rgb(pictures.device)
    luma = (yuv[..., 0] + 16.5).to(torch.uint8)
    if width % 2:
        yuv = torch.cat([yuv, yuv[:, :, -1:]], dim=2)
    if height % 2:
        yuv = torch.cat([yuv, yuv[:, -1:]], dim=1)
    squares = yuv[..., 1:].reshape(size, yuv.shape[1] // 2, 2, yuv.shape[2] // 2, 2, 2)
    chroma = (squares.mean(dim=(2, 4)) + 128.5).to(torch.uint8).permute(0, 3, 1, 2)
    return torch.cat([luma.flatten(1), chroma.flatten(1)], dim=1)


@functools.cache
def _yuv_from_rgb(device: torch.device) -> Tensor:
    return torch.tensor(RGB_TO_YUV.T, dtype=torch.float32, device=device)


def planes_of(i420: NDArray[np.uint8], width: int, height: int) -> YuvPlanes:
    """The planes in the bytes of one I420 picture; they share its memory."""
    luma, half = width * height, (-(-height // 2), -(-width // 2))
    chroma = half[0] * half[1]
    u, v = i420[luma : luma + chroma].reshape(half), i420[luma + chroma :].reshape(half)
    return YuvPlanes(i420[:luma].reshape(height, width), u, v)


class Pending:
    """Pictures on their way: in memory once `wait` returns."""

    def __init__(self, host: Sequence[Tensor], arrived: Any | None) -> None:
        self._host = host
        self._arrived = arrived

    def wait(self) -> list[NDArray[Any]]:
        """The tensors that were sent, as arrays in memory that the second `send` from here on will reuse."""
        if self._arrived is not None:
            self._arrived.synchronize()
        return [tensor.numpy() for tensor in self._host]


class Reader:
    """Copies results into page-locked memory on a stream of its own, so that the next frame can be drawn meanwhile.

    There are two sets of buffers: what `send` returned stays valid until `send` was called twice more. Not to be used
    by two threads at once.

    Args:
        device: where the results are; on the processor everything is simply copied.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None
        self._buffers: list[list[Tensor]] = [[], []]

    def send(self, results: Sequence[Tensor]) -> Pending:
        """Starts the copies and returns at once."""
        self._buffers.reverse()
        host = self._fitting(self._buffers[0], results)
        self._buffers[0] = host
        if self._stream is None:
            for to, result in zip(host, results, strict=True):
                to.copy_(result)
            return Pending(host, None)
        self._stream.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(self._stream):
            for to, result in zip(host, results, strict=True):
                to.copy_(result, non_blocking=True)
                result.record_stream(self._stream)  # its memory is not given away before the copy is done
            arrived = torch.cuda.Event()
            arrived.record(self._stream)
        return Pending(host, arrived)

    def _fitting(self, buffers: list[Tensor], results: Sequence[Tensor]) -> list[Tensor]:
        wanted = [(result.shape, result.dtype) for result in results]
        if [(buffer.shape, buffer.dtype) for buffer in buffers] == wanted:
            return buffers
        pinned = self._stream is not None
        return [torch.empty(shape, dtype=dtype, pin_memory=pinned) for shape, dtype in wanted]
