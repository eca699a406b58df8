"""What one picture of a head costs, learned from the processor times of those drawn. Sans-IO."""

from __future__ import annotations

from collections.abc import Hashable

BASE_S = 2.0e-3
S_PER_PIXEL = 6.0e-9
"""What to expect of a head that was never drawn: 3.6 ms at 512 x 512, on an AMD EPYC whose caches other heads fill."""

MEMORY = 0.97
"""Weight that a picture keeps with each later one: the last thirty or so count."""

OUTLIER = 2.0
"""One picture counts for at most this many times what was expected: the first ones of a new avatar fill caches."""

FIRST = 5.0
"""As many pictures of what is expected come before the first one, and fade like others."""

_PRIOR = 0.2
"""Weight of the expected ratio against that of a picture drawn: it decides while only one size has been seen."""

_LEAST = 0.05
"""Neither part is taken for less than this share of what was expected, so that a larger picture never seems cheaper."""

_UNIT_PX = 512 * 512


class HeadCost:
    """`base + per_unit * pixels` of one head: least squares in which old pictures fade.

    Args:
        scale: how much dearer than `BASE_S` and `S_PER_PIXEL` its pictures are expected to be.
    """

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = scale
        """How much dearer its pictures have been of late."""
        self._base, self._per_unit = scale * BASE_S, scale * S_PER_PIXEL * _UNIT_PX
        # faded sums; x in units of pixels, y in seconds. Begins with pictures of no size and of one unit.
        self._n, self._x, self._xx = FIRST, FIRST / 2, FIRST / 2
        self._y = FIRST / 2 * (2 * self._base + self._per_unit)
        self._xy = FIRST / 2 * (self._base + self._per_unit)

    def picture_s(self, size: int) -> float:
        """Expected processor time of a square picture, seconds; `size` in pixels."""
        return self._base + self._per_unit * size * size / _UNIT_PX

    def drew(self, size: int, cpu_s: float) -> None:
        """Takes in the processor time of one picture, seconds; `size` in pixels."""
        expected = self.picture_s(size)
        y = min(max(cpu_s, expected / OUTLIER), OUTLIER * expected)
        x = size * size / _UNIT_PX
        base, per_unit = BASE_S, S_PER_PIXEL * _UNIT_PX
        self.scale += (1 - MEMORY) * (y / (base + per_unit * x) - self.scale)
        base, per_unit = self.scale * base, self.scale * per_unit
        self._n = MEMORY * self._n + 1
        self._x = MEMORY * self._x + x
        self._xx = MEMORY * self._xx + x * x
        self._y = MEMORY * self._y + y
        self._xy = MEMORY * self._xy + x * y
        n, xx = self._n + _PRIOR, self._xx + _PRIOR
        right_base, right_unit = self._y + _PRIOR * base, self._xy + _PRIOR * per_unit
        determinant = n * xx - self._x * self._x  # positive, since n > its part in the sums
        self._base = max((xx * right_base - self._x * right_unit) / determinant, _LEAST * base)
        self._per_unit = max((n * right_unit - self._x * right_base) / determinant, _LEAST * per_unit)


class Costs:
    """Of all heads; what one learned is expected of those not drawn yet."""

    def __init__(self) -> None:
        self._heads: dict[Hashable, HeadCost] = {}
        self._newcomers = HeadCost()

    def picture_s(self, head: Hashable, size: int) -> float:
        """Expected processor time of a square picture, seconds; `size` in pixels."""
        return self._heads.get(head, self._newcomers).picture_s(size)

    def drew(self, head: Hashable, size: int, cpu_s: float) -> None:
        """Takes in the processor time of one picture, seconds; `size` in pixels."""
        if head not in self._heads:
            self._heads[head] = HeadCost(self._newcomers.scale)
        self._heads[head].drew(size, cpu_s)
        self._newcomers.drew(size, cpu_s)

    def forget(self, head: Hashable) -> None:
        """The head is gone."""
        self._heads.pop(head, None)
