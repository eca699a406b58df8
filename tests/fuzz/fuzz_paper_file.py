"""Bytes as a file of a compressed avatar of profile `paper`: what a reader makes of it (tests/fuzz/README.md)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from codec.errors import AvatarFileError
from codec.paper_avatar import MAX_PAPER_GAUSSIANS
from codec.paper_file import unpack_paper_avatar

PAPER = Path(__file__).parents[1] / "vectors" / "paper"


def seeds() -> Iterator[tuple[str, bytes]]:
    """Name and bytes: the golden file, and the invalid ones."""
    for path in sorted(PAPER.glob("**/*.vap")):
        yield path.stem, path.read_bytes()


def check(data: bytes) -> None:
    """It is refused, or an avatar whose numbers are finite and fit together."""
    try:
        avatar = unpack_paper_avatar(data)
    except AvatarFileError:
        return
    assert 0 < avatar.count <= MAX_PAPER_GAUSSIANS
    for name in ("log_scales", "quats", "logit_opacities", "sh0", "sh_rest", "barycentrics"):
        array = getattr(avatar, name)
        assert len(array) == avatar.count
        assert np.isfinite(array).all()
    assert all(np.isfinite(layer.weights).all() for layer in avatar.layers)
