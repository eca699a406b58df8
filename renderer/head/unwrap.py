"""UV charts for meshes that come without, by xatlas."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MAX_COST, NORMAL_DEVIATION, RESOLUTION = 16.0, 0.5, 1024
"""Few large charts: seams cost more than stretch, since avatars interpolate over their charts."""


def unwrap(vertices: NDArray[np.floating], faces: NDArray[np.integer]) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """([T, 2] uv in 0..1, [F, 3] into it) without overlaps; takes seconds.

    Args:
        vertices: [V, 3].
        faces: [F, 3].
    """
    import xatlas

    atlas = xatlas.Atlas()
    atlas.add_mesh(np.ascontiguousarray(vertices, np.float32), np.ascontiguousarray(faces, np.uint32))
    charts, packing = xatlas.ChartOptions(), xatlas.PackOptions()
    charts.max_cost, charts.normal_deviation_weight, charts.max_iterations = MAX_COST, NORMAL_DEVIATION, 4
    packing.padding, packing.resolution = 2, RESOLUTION
    atlas.generate(charts, packing)
    _, uv_faces, uv = atlas[0]
    return np.ascontiguousarray(uv, np.float32).clip(0, 1), np.ascontiguousarray(uv_faces, np.int32)
