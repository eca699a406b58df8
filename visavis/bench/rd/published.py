"""Numbers of the paper, to stand beside ours: other people, longer clips, a graphics card."""

from __future__ import annotations

from dataclasses import dataclass

PAPER = "Lightweight High-Fidelity Low-Bitrate Talking Face Compression for 3D Video Conference"
SOURCE = "https://arxiv.org/abs/2601.21269"


@dataclass(frozen=True)
class PublishedPoint:
    """One method as the paper's text states it; None where it does not."""

    title: str
    kbps: float | None
    psnr_db: float | None
    ssim: float | None
    lpips: float | None
    fps: float | None


POINTS = (
    PublishedPoint("x265, low delay P, at its lowest rate", 14.0, 24.06, 0.802, 0.208, None),
    PublishedPoint("avatar uncompressed, 4.31 MiB", None, 33.45, None, None, 181.0),
    PublishedPoint("avatar compressed, 0.59 MiB", None, 33.3, None, None, 175.0),
)
"""Frames a second are those of an RTX 4090 at 512 x 512."""
