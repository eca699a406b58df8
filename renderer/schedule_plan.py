"""Which size and rate each head gets, so that all of a process fit its budget. Pure functions (docs/scheduling.md)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import NamedTuple

RATES = (5.0, 10.0, 15.0, 20.0)
"""Steps below the wanted rate, pictures a second; nobody is planned below the first one."""

SMALLEST_SHARE = 0.5
"""A head never gets less than half the side that it has on screen: below, posing costs more than the pixels do."""


class Key(NamedTuple):
    """A head on somebody's screen."""

    viewer: str
    member_id: str


class Rank(IntEnum):
    """Who keeps size and rate longest when there is not enough for all."""

    PREVIEW = 0
    """Oneself."""
    OTHER = 1
    LARGEST = 2
    """The one head that its viewer shows larger than all others."""
    SPEAKER = 3


@dataclass(frozen=True)
class Wish:
    """What a viewer wants of a head.

    Args:
        size: side of its tile, pixels; one of the scheduler's sizes.
        rate: pictures a second.
        rank: how much it matters.
    """

    size: int
    rate: float = 25.0
    rank: Rank = Rank.OTHER


@dataclass(frozen=True)
class HeadPlan:
    """What a head gets: side of its tile, pixels, and pictures a second at most."""

    size: int
    rate: float


@dataclass(frozen=True)
class Limits:
    """Seconds of processor time a second.

    Args:
        for_sizes: where heads take more, they get smaller.
        for_rates: where they still take more, they get fewer pictures; not less than `for_sizes`.
    """

    for_sizes: float
    for_rates: float


PictureCost = Callable[[Key, int], float]
"""Processor time of one picture of a head at a size, seconds; never less at a larger size."""


def floor_of(wish: Wish, sizes: Sequence[int]) -> HeadPlan:
    """The least that a head gets.

    Args:
        wish: what is wanted.
        sizes: of tiles, ascending.
    """
    half = [size for size in sizes if size <= SMALLEST_SHARE * wish.size]
    return HeadPlan(min(max(half, default=sizes[0]), wish.size), min(RATES[0], wish.rate))


def load(plans: Mapping[Key, HeadPlan], cost: PictureCost) -> float:
    """Seconds of processor time that a plan takes each second."""
    return sum(plan.rate * cost(key, plan.size) for key, plan in sorted(plans.items()))


def plan_heads(
    wishes: Mapping[Key, Wish],
    cost: PictureCost,
    budget: Limits,
    sizes: Sequence[int],
    caps: Mapping[Key, HeadPlan] | None = None,
) -> dict[Key, HeadPlan]:
    """Lowers what is wanted, step by step, until it fits.

    The unimportant ranks first, and one rank to its floors before the next; in a rank first sizes and then rates, in
    rounds of one step for each head, the heads that are small on screen first.

    Args:
        wishes: all heads.
        cost: of one picture.
        budget: what to fit into; where even the floors take more, everybody gets the floor.
        sizes: of tiles, ascending.
        caps: where to begin instead of at the wish, for heads that are held down.
    """
    caps = caps or {}
    order = sorted(wishes, key=lambda key: (wishes[key].rank, wishes[key].size, key))
    floors = {key: floor_of(wishes[key], sizes) for key in order}
    plans = {key: _begin(wishes[key], floors[key], caps.get(key)) for key in order}
    taken = load(plans, cost)
    for rank in Rank:
        group = [key for key in order if wishes[key].rank == rank]
        for lowered, limit in ((_smaller, budget.for_sizes), (_slower, budget.for_rates)):
            stuck = False
            while taken > limit and not stuck:
                stuck = True
                for key in group:
                    plan = plans[key]
                    step = lowered(plan, floors[key], sizes)
                    if taken > limit and step != plan:
                        taken += step.rate * cost(key, step.size) - plan.rate * cost(key, plan.size)
                        plans[key] = step
                        stuck = False
    return plans


def _begin(wish: Wish, floor: HeadPlan, cap: HeadPlan | None) -> HeadPlan:
    if cap is None:
        return HeadPlan(wish.size, wish.rate)
    return HeadPlan(max(min(wish.size, cap.size), floor.size), max(min(wish.rate, cap.rate), floor.rate))


def _smaller(plan: HeadPlan, floor: HeadPlan, sizes: Sequence[int]) -> HeadPlan:
    below = [size for size in sizes if size < plan.size]
    return replace(plan, size=max(below[-1], floor.size)) if below else plan


def _slower(plan: HeadPlan, floor: HeadPlan, sizes: Sequence[int]) -> HeadPlan:
    below = [rate for rate in RATES if rate < plan.rate]
    return replace(plan, rate=max(below[-1], floor.rate)) if below else plan
