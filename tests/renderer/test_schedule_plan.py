from __future__ import annotations

import random
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from renderer.schedule_plan import HeadPlan, Key, Limits, Rank, Wish, floor_of, load, plan_heads

SIZES = (128, 192, 256, 384, 512)
WISHES = st.dictionaries(
    st.builds(Key, st.sampled_from(["v", "w", "x"]), st.sampled_from([f"m{n}" for n in range(9)])),
    st.builds(Wish, st.sampled_from(SIZES), st.sampled_from([10.0, 16.0, 25.0]), st.sampled_from(Rank)),
    max_size=20,
)
SCALES = st.floats(0.2, 5)
BUDGETS = st.builds(lambda sizes, rest: Limits(sizes, sizes + rest), st.floats(0.01, 4), st.sampled_from([0.0, 1.0]))


def cost_of(scale: float) -> Callable[[Key, int], float]:
    """Heads differ: those of the later members are dearer."""
    return lambda key, size: scale * (1 + int(key.member_id[1:]) / 4) * (1e-3 + 15e-9 * size * size)


@given(WISHES, SCALES, BUDGETS)
def test_plans_fit_where_floors_do_and_floors_are_kept(wishes: dict[Key, Wish], scale: float, budget: Limits) -> None:
    cost = cost_of(scale)
    plans = plan_heads(wishes, cost, budget, SIZES)
    floors = {key: floor_of(wish, SIZES) for key, wish in wishes.items()}
    assert plans.keys() == wishes.keys()
    assert load(plans, cost) <= max(budget.for_rates, load(floors, cost)) + 1e-9
    for key, plan in plans.items():
        assert plan.size in SIZES
        assert floors[key].size <= plan.size <= wishes[key].size
        assert floors[key].rate <= plan.rate <= wishes[key].rate
        assert plan.rate >= 5


@given(WISHES, SCALES, st.floats(0.01, 4))
def test_where_only_sizes_are_short_rates_stay(wishes: dict[Key, Wish], scale: float, short: float) -> None:
    plans = plan_heads(wishes, cost_of(scale), Limits(short, 1e9), SIZES)
    assert all(plans[key].rate == wish.rate for key, wish in wishes.items())
    smallest = {key: HeadPlan(floor_of(wish, SIZES).size, wish.rate) for key, wish in wishes.items()}
    assert load(plans, cost_of(scale)) <= max(short, load(smallest, cost_of(scale))) + 1e-9


@given(WISHES, SCALES, BUDGETS)
def test_nothing_is_taken_away_that_fits(wishes: dict[Key, Wish], scale: float, budget: Limits) -> None:
    cost = cost_of(scale)
    wanted = {key: HeadPlan(wish.size, wish.rate) for key, wish in wishes.items()}
    if load(wanted, cost) <= budget.for_sizes:
        assert plan_heads(wishes, cost, budget, SIZES) == wanted


@given(WISHES, SCALES, BUDGETS)
def test_the_speaker_is_never_below_another_head_of_its_size(
    wishes: dict[Key, Wish], scale: float, budget: Limits
) -> None:
    plans = plan_heads(wishes, cost_of(scale), budget, SIZES)
    for key, wish in wishes.items():
        for other, others_wish in wishes.items():
            if wish.rank == Rank.SPEAKER > others_wish.rank and wish.size == others_wish.size:
                assert plans[key].size >= plans[other].size
                assert plans[key].rate >= min(plans[other].rate, wish.rate)


@given(WISHES, SCALES, BUDGETS, st.randoms(use_true_random=False))
def test_the_order_of_dictionaries_does_not_matter(
    wishes: dict[Key, Wish], scale: float, budget: Limits, chance: random.Random
) -> None:
    shuffled = list(wishes.items())
    chance.shuffle(shuffled)
    cost = cost_of(scale)
    assert plan_heads(dict(shuffled), cost, budget, SIZES) == plan_heads(wishes, cost, budget, SIZES)


@given(WISHES, SCALES, BUDGETS, st.integers(0, 1))
def test_a_plan_that_fits_stays_when_one_begins_with_it(
    wishes: dict[Key, Wish], scale: float, budget: Limits, rest: int
) -> None:
    cost = cost_of(scale)
    plans = plan_heads(wishes, cost, budget, SIZES)
    if load(plans, cost) <= budget.for_sizes:
        assert (
            plan_heads(wishes, cost, Limits(budget.for_sizes + rest, budget.for_rates + rest), SIZES, caps=plans)
            == plans
        )


def test_sizes_go_before_rates_small_heads_before_large_and_the_speaker_last() -> None:
    names = {"small": Wish(256), "large": Wish(512), "speaker": Wish(512, rank=Rank.SPEAKER)}
    wishes = {Key("v", name): wish for name, wish in names.items()}
    steps: list[list[tuple[int, float]]] = []
    for budget in [Limits(4 - n / 1000, 4 - n / 1000) for n in range(4000)]:
        plans = plan_heads(wishes, lambda _, size: 1e-6 * size * size / 5, budget, SIZES)
        step = [(plans[key].size, plans[key].rate) for key in wishes]
        if not steps or steps[-1] != step:
            steps.append(step)
    assert steps == [
        [(256, 25), (512, 25), (512, 25)],
        [(192, 25), (512, 25), (512, 25)],
        [(192, 25), (384, 25), (512, 25)],
        [(128, 25), (384, 25), (512, 25)],
        [(128, 25), (256, 25), (512, 25)],
        [(128, 20), (256, 25), (512, 25)],
        [(128, 20), (256, 20), (512, 25)],
        [(128, 15), (256, 20), (512, 25)],
        [(128, 15), (256, 15), (512, 25)],
        [(128, 10), (256, 15), (512, 25)],
        [(128, 10), (256, 10), (512, 25)],
        [(128, 5), (256, 10), (512, 25)],
        [(128, 5), (256, 5), (512, 25)],
        [(128, 5), (256, 5), (384, 25)],
        [(128, 5), (256, 5), (256, 25)],
        [(128, 5), (256, 5), (256, 20)],
        [(128, 5), (256, 5), (256, 15)],
        [(128, 5), (256, 5), (256, 10)],
        [(128, 5), (256, 5), (256, 5)],
    ]
