"""Files in FLAME's layouts, made once per run."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from tools.synthetic_flame.geometry import synthetic_flame
from tools.synthetic_flame.layouts import chumpy_layout, npz_layout, open_layout


@cache
def arrays() -> dict[str, NDArray[np.generic]]:
    """FLAME's arrays by their published names; copy before you change one."""
    made = synthetic_flame()
    for array in made.values():
        array.setflags(write=False)
    return made


@cache
def flame_bytes(layout: str) -> bytes:
    """A whole file: `open`, `chumpy` or `npz`."""
    return {"open": open_layout, "chumpy": chumpy_layout, "npz": npz_layout}[layout](arrays())


def small_arrays() -> dict[str, NDArray[np.generic]]:
    """The same keys with a few numbers each, for tests of what is read before the shapes are checked."""
    return {
        "v_template": np.arange(12.0).reshape(4, 3),
        "f": np.arange(6, dtype=np.uint32).reshape(2, 3),
        "shapedirs": np.asfortranarray(np.arange(24.0).reshape(4, 3, 2)),
        "J_regressor": np.array([[0.0, 0.5, 0.0, 0.5], [1.0, 0.0, 0.0, 0.0]]),
    }
