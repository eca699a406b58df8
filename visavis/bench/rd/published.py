"""Numbers of the paper, to stand beside ours: other people, other clips, a GPU."""

from __future__ import annotations

PAPER = "Lightweight High-Fidelity Low-Bitrate Talking Face Compression for 3D Video Conference"
RATE_ROWS = (
    ("paper: x265", "14", "24.06", "0.802", "0.208"),
    ("paper: avatar uncompressed", "", "33.45", "", ""),
    ("paper: avatar compressed", "", "33.3", "", ""),
)
"""Method, kbit/s, PSNR in dB, SSIM, LPIPS, as far as the paper states them."""
