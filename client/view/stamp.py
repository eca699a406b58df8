"""The capture time as a barcode in a tile's corner, for latency measurement (docs/protocol.md, `stamp`)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

COLUMNS, ROWS, BLOCK_PX = 8, 4, 8
DARK, BRIGHT = 24, 228


def paint_stamp(luma: NDArray[np.uint8], capture_unix_ms: int) -> None:
    """Writes 32 bits, least significant first, row by row, into the top-left 64 x 32 pixels of `luma` [H, W]."""
    bits = (capture_unix_ms >> np.arange(COLUMNS * ROWS)) & 1
    blocks = np.where(bits == 1, BRIGHT, DARK).astype(np.uint8).reshape(ROWS, COLUMNS)
    luma[: ROWS * BLOCK_PX, : COLUMNS * BLOCK_PX] = blocks.repeat(BLOCK_PX, 0).repeat(BLOCK_PX, 1)


def read_stamp(luma: NDArray[np.uint8]) -> int:
    """Capture time in Unix ms mod 2^32 from a painted corner; survives the video codec."""
    area = luma[: ROWS * BLOCK_PX, : COLUMNS * BLOCK_PX].reshape(ROWS, BLOCK_PX, COLUMNS, BLOCK_PX)
    bits = area[:, 2:-2, :, 2:-2].mean(axis=(1, 3)).ravel() > (DARK + BRIGHT) / 2
    return int((bits.astype(np.uint64) << np.arange(COLUMNS * ROWS, dtype=np.uint64)).sum())
