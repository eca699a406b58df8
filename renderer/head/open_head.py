"""Loads the open head, the head model that comes with the program (docs/head-model.md)."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

from renderer.head.model import HeadModel
from renderer.head.storage import read_head

OPEN_HEAD_NAME = "open-head-1"


@lru_cache(maxsize=1)
def load_open_head() -> HeadModel:
    """The open head; read once, then shared.

    Raises:
        FileNotFoundError: the program was installed without its data.
    """
    path = resources.files("renderer.head") / "data" / "open_head.npz"
    with path.open("rb") as file:
        return read_head(file, OPEN_HEAD_NAME)
