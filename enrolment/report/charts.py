"""Charts as inline SVG that take their colors from the page (`--line`, `--accent`, `--soft`)."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence

Points = Sequence[tuple[float, float]]

WIDTH, HEIGHT = 560, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 14, 38


def line_chart(points: Points, x_label: str, y_label: str, *, marks: bool = False) -> str:
    """One curve.

    Args:
        points: (x, y), x growing, not empty; points that are not finite are left out.
        x_label, y_label: what the axes show, with units.
        marks: show every point.
    """
    points = _finite(points)
    frame = _Frame([x for x, _ in points], [y for _, y in points], from_zero=True)
    path = " ".join(f"{frame.x(x):.1f},{frame.y(y):.1f}" for x, y in points)
    dots = "".join(_dot(frame, x, y, "mark") for x, y in points) if marks else ""
    return frame.svg(f'<polyline class="curve" points="{path}"/>{dots}', x_label, y_label)


def scatter_chart(groups: Mapping[str, Points], x_label: str, y_label: str) -> str:
    """Clouds of points; the first group is drawn below the others, each with its own class `group0`, `group1`, ..."""
    groups = {name: _finite(points) for name, points in groups.items()}
    everything = [point for points in groups.values() for point in points]
    frame = _Frame([x for x, _ in everything], [y for _, y in everything])
    dots = "".join(
        _dot(frame, x, y, f"group{index}") for index, points in enumerate(groups.values()) for x, y in points
    )
    return frame.svg(dots, x_label, y_label)


def _dot(frame: _Frame, x: float, y: float, kind: str) -> str:
    return f'<circle class="{kind}" cx="{frame.x(x):.1f}" cy="{frame.y(y):.1f}" r="2.4"/>'


def _finite(points: Points) -> list[tuple[float, float]]:
    return [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)] or [(0.0, 0.0)]


class _Frame:
    """Axes around values."""

    def __init__(self, xs: Sequence[float], ys: Sequence[float], *, from_zero: bool = False) -> None:
        self._x_ticks = ticks(0.0 if from_zero else min(xs), max(xs))
        self._y_ticks = ticks(min(ys), max(ys))
        self._x_range = min(self._x_ticks[0], *xs), max(self._x_ticks[-1], *xs)
        self._y_range = min(self._y_ticks[0], *ys), max(self._y_ticks[-1], *ys)

    def x(self, value: float) -> float:
        low, high = self._x_range
        return _LEFT + (value - low) / (high - low) * (WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        low, high = self._y_range
        return HEIGHT - _BOTTOM - (value - low) / (high - low) * (HEIGHT - _TOP - _BOTTOM)

    def svg(self, content: str, x_label: str, y_label: str) -> str:
        x_label, y_label = html.escape(x_label), html.escape(y_label)
        parts = [f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{y_label} over {x_label}">']
        for value in self._y_ticks:
            y = self.y(value)
            parts.append(f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
            parts.append(f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{_number(value)}</text>')
        for value in self._x_ticks:
            x, foot = self.x(value), HEIGHT - _BOTTOM
            parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{foot}"/>')
            parts.append(f'<text x="{x:.1f}" y="{foot + 17}" text-anchor="middle">{_number(value)}</text>')
        middle = (_TOP + HEIGHT - _BOTTOM) / 2
        parts.append(f'<text x="{(WIDTH + _LEFT - _RIGHT) / 2}" y="{HEIGHT - 5}" text-anchor="middle">{x_label}</text>')
        parts.append(f'<text transform="translate(11 {middle}) rotate(-90)" text-anchor="middle">{y_label}</text>')
        return "".join([*parts, content, "</svg>"])


def ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Round numbers from at most `low` to at least `high`, about `wanted` of them, at least two."""
    if high - low < 1e-9 * max(abs(low), abs(high), 1e-9):
        high = low + max(abs(low), 1.0) * 0.1
    rough = (high - low) / wanted
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * unit for factor in (1, 2, 5, 10) if factor * unit >= rough)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [index * step for index in range(first, max(last, first + 1) + 1)]


def _number(value: float) -> str:
    return f"{value:.4g}" if value else "0"
