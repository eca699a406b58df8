from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renderer.schedule import SPEAKER_STAYS_S, UPGRADE_AFTER_S, Scheduler
from renderer.schedule_budget import DUTY, LEAST_SHARE, RAISE_AFTER_S, Budget
from renderer.schedule_cost import HeadCost
from renderer.schedule_plan import HeadPlan, Key, Limits, Rank, Wish, floor_of, load, plan_heads
from renderer.schedule_queue import EQUAL_S, DueHeads

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


# --- the plan


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


# --- costs


def test_costs_of_two_sizes_are_told_apart() -> None:
    cost = HeadCost()
    for _ in range(200):
        for size in (256, 512):
            cost.drew(size, 4e-3 + 2e-8 * size * size)
    for size in SIZES:
        assert cost.picture_s(size) == pytest.approx(4e-3 + 2e-8 * size * size, rel=0.05)


def test_one_size_teaches_its_own_cost_and_one_outlier_little() -> None:
    cost = HeadCost()
    for _ in range(200):
        cost.drew(384, 8e-3)
    assert cost.picture_s(384) == pytest.approx(8e-3, rel=0.03)
    assert 2.5e-3 < cost.picture_s(128) < 6e-3
    cost.drew(384, 5.0)
    assert cost.picture_s(384) < 9e-3


@given(st.lists(st.tuples(st.sampled_from(SIZES), st.floats(0, 10)), max_size=60))
def test_a_larger_picture_never_seems_cheaper(drawn: list[tuple[int, float]]) -> None:
    cost = HeadCost()
    for size, cpu_s in drawn:
        cost.drew(size, cpu_s)
    costs = [cost.picture_s(size) for size in SIZES]
    assert costs == sorted(costs)
    assert costs[0] > 0


# --- the budget


def pictures(budget: Budget, took_s: float, from_s: float, until_s: float) -> float:
    """Pictures of one kind at 25 a second until the budget has been raised or the time is over; when that was."""
    now = from_s
    while now < until_s:
        before = budget.seconds
        budget.picture(took_s, now, lambda: (0.5, 0.2))
        if budget.seconds > before:
            break
        now += 0.04
    return now


def test_late_pictures_lower_the_budget_at_once_below_what_was_planned() -> None:
    budget = Budget(cores=2)
    assert budget.full == 2 * DUTY
    pictures(budget, 0.06, 0, 3.5)
    assert budget.seconds == pytest.approx(0.7 * 0.5)
    pictures(budget, 0.06, 3.5, 60)
    assert budget.seconds == 0.2  # pictures that are as small as can be are not made fewer


def test_a_budget_stays_where_drawing_is_not_what_makes_pictures_late() -> None:
    budget = Budget(cores=2)
    for tick in range(1000):
        budget.picture(0.06, tick * 0.06, lambda: (0.01, 0.001))
    assert budget.seconds == LEAST_SHARE * budget.full


def test_a_budget_recovers_and_each_failed_attempt_doubles_the_wait() -> None:
    budget = Budget(cores=2)
    now, waits = 0.0, []
    for _ in range(3):
        started = pictures(budget, 0.06, now, now + 10)
        now = pictures(budget, 0.01, started, started + 9 * RAISE_AFTER_S)
        waits.append(now - started)
    assert waits == pytest.approx([RAISE_AFTER_S, 2 * RAISE_AFTER_S, 4 * RAISE_AFTER_S], abs=7)
    while now < 3000:
        now = pictures(budget, 0.01, now + 0.04, 3000)
    assert budget.seconds == budget.full


def test_a_few_late_pictures_change_nothing() -> None:
    budget = Budget(cores=2)
    assert not any(
        budget.picture(0.05 if tick % 5 == 0 else 0.01, tick * 0.04, lambda: (0.5, 0.2)) for tick in range(3000)
    )


def test_drawing_waits_when_it_has_had_its_share() -> None:
    budget = Budget(cores=2)
    assert budget.wait_s(100.0) == 0
    budget.spend(0.1 * budget.full)
    assert budget.wait_s(100.0) == 0
    budget.spend(0.3)
    assert budget.wait_s(100.0) == pytest.approx(0.3 / budget.full)
    assert budget.wait_s(100.0 + 0.31 / budget.full) == 0


# --- whose turn it is


def test_the_earliest_deadline_goes_first_and_the_speaker_among_equals() -> None:
    due = DueHeads()
    due.put(Key("v", "late"), 0.3, Rank.SPEAKER)
    due.put(Key("v", "one"), 0.2)
    due.put(Key("v", "speaker"), 0.2 + EQUAL_S / 2, Rank.SPEAKER)
    due.put(Key("v", "two"), 0.2)
    due.put(Key("v", "one"), 0.0)  # waits already: keeps its place
    taken = [due.take() for _ in range(5)]
    assert [key and key.member_id for key in taken] == ["speaker", "one", "two", "late", None]


def simulate(heads: int, cost_s: float, seconds: float) -> dict[str, list[float]]:
    """One core that has too much to do: the times at which each head was drawn. Head m0 speaks."""
    scheduler = Scheduler(1, SIZES, coding_s_per_pixel=0)
    wishes = {f"m{n}": Wish(512, rank=Rank.SPEAKER if n == 0 else Rank.OTHER) for n in range(heads)}
    drawn: dict[str, list[float]] = {member: [] for member in wishes}
    waiting: set[str] = set()
    now = 0.0
    while now < seconds:
        scheduler.wish("v", wishes, now)
        for member in wishes:
            key = Key("v", member)
            if member not in waiting and scheduler.allowed_at(key) <= now:
                scheduler.ask(key, now)
                waiting.add(member)
        key = scheduler.take(now)
        if key is None:
            now += 1e-3
            continue
        now += cost_s
        waiting.discard(key.member_id)
        drawn[key.member_id].append(now)
        scheduler.drew(key, scheduler.plans("v")[key.member_id].size, cost_s)
    return drawn


@pytest.mark.parametrize(("heads", "cost_s"), [(3, 0.002), (12, 0.01), (12, 0.03), (40, 0.02)])
def test_nobody_starves_however_much_is_asked(heads: int, cost_s: float) -> None:
    drawn = simulate(heads, cost_s, 20)
    worst = 0.2 + heads * cost_s / DUTY + 0.1  # a period of the floor, everybody else once, what may be spent at once
    for times in drawn.values():
        gaps = [after - before for before, after in zip([0.0, *times], [*times, 20.0], strict=True)]
        assert max(gaps) <= worst
    assert len(drawn["m0"]) == max(len(times) for times in drawn.values())


def test_where_all_fits_everybody_gets_the_full_rate() -> None:
    assert all(len(times) >= 25 * 9.5 for times in simulate(6, 0.002, 10).values())


# --- the scheduler


def scheduler_with(*, heads: int, cost_s: float, rank: Rank = Rank.OTHER) -> tuple[Scheduler, dict[str, Wish]]:
    """One viewer of equal heads on a core of its own whose costs are known."""
    scheduler = Scheduler(1, SIZES, coding_s_per_pixel=0)
    wishes = {f"m{n}": Wish(512, rank=rank) for n in range(heads)}
    scheduler.wish("v", wishes, 0.0)
    learn(scheduler, wishes, cost_s)
    return scheduler, wishes


def learn(scheduler: Scheduler, wishes: dict[str, Wish], cost_s: float) -> None:
    """Tells costs that grow with the pixels from a quarter of what the largest takes."""
    for member in wishes:
        for _ in range(200):
            for size in (256, 512):
                scheduler.drew(Key("v", member), size, cost_s * (0.25 + 0.75 * size * size / 512**2))


def follow(scheduler: Scheduler, wishes: dict[str, Wish], from_s: float, until_s: float) -> list[dict[str, HeadPlan]]:
    """The plans that follow one another."""
    plans = [scheduler.plans("v")]
    now = from_s
    while now < until_s:
        scheduler.wish("v", wishes, now)
        if scheduler.plans("v") != plans[-1]:
            plans.append(scheduler.plans("v"))
        now += 0.04
    return plans


def test_what_turns_out_dear_is_lowered_and_then_stays() -> None:
    scheduler, wishes = scheduler_with(heads=10, cost_s=5e-3)
    plans = follow(scheduler, wishes, 0, 3)
    assert len(plans) == 2
    assert scheduler.loads()[0] <= scheduler.budget.seconds
    for tick in range(2000):  # costs waver by a tenth, the plan does not
        for member in wishes:
            plan = plans[-1][member]
            share = 0.25 + 0.75 * plan.size**2 / 512**2
            scheduler.drew(Key("v", member), plan.size, 5e-3 * share * (0.97 if tick % 2 else 1.03))
        scheduler.wish("v", wishes, 3 + tick * 0.04)
        assert scheduler.plans("v") == plans[-1]


def test_room_that_others_leave_is_given_back_after_a_while() -> None:
    scheduler, wishes = scheduler_with(heads=10, cost_s=5e-3)
    follow(scheduler, wishes, 0, 3)
    fewer = dict(list(wishes.items())[:3])
    lowered = {member: scheduler.plans("v")[member] for member in fewer}
    assert any(plan.size < 512 for plan in lowered.values())
    scheduler.wish("v", fewer, 3.0)
    assert scheduler.plans("v") == lowered
    follow(scheduler, fewer, 3, 4 + UPGRADE_AFTER_S + 2)
    assert set(scheduler.plans("v").values()) == {HeadPlan(512, 25)}


def test_who_begins_to_speak_is_large_at_once_and_stays_so_for_a_while() -> None:
    scheduler, wishes = scheduler_with(heads=12, cost_s=5e-3)
    follow(scheduler, wishes, 0, 3)
    assert scheduler.plans("v")["m3"].size < 512
    talking = wishes | {"m3": Wish(512, rank=Rank.SPEAKER)}
    scheduler.wish("v", talking, 3.0)
    assert scheduler.plans("v")["m3"] == HeadPlan(512, 25)
    assert scheduler.loads()[0] <= scheduler.budget.seconds
    scheduler.wish("v", wishes, 3.0 + 0.9 * SPEAKER_STAYS_S)
    follow(scheduler, wishes | {"m4": Wish(512, rank=Rank.SPEAKER)}, 7.0, 8.0)
    assert scheduler.plans("v")["m4"] == HeadPlan(512, 25)


def test_viewers_share_one_budget() -> None:
    scheduler = Scheduler(1, SIZES)
    wishes = {f"m{n}": Wish(512) for n in range(4)}
    scheduler.wish("alone", wishes, 0.0)
    assert set(scheduler.plans("alone").values()) == {HeadPlan(512, 25)}
    scheduler.wish("second", wishes, 1.0)
    scheduler.wish("third", wishes, 1.0)
    assert scheduler.loads()[0] <= scheduler.budget.seconds
    assert scheduler.plans("alone")["m0"].size < 512
    scheduler.forget("second")
    scheduler.forget("third")
    for tick in range(200):
        scheduler.wish("alone", wishes, 2.0 + 0.04 * tick)
    assert set(scheduler.plans("alone").values()) == {HeadPlan(512, 25)}
    assert scheduler.plans("second") == {}


def test_a_viewer_that_leaves_takes_its_due_heads_along() -> None:
    scheduler = Scheduler(1, SIZES)
    for viewer in ("v", "w"):
        scheduler.wish(viewer, {"a": Wish(128)}, 0.0)
        scheduler.ask(Key(viewer, "a"), 0.0)
    scheduler.forget("v")
    assert [scheduler.take(0.0), scheduler.take(0.0)] == [Key("w", "a"), None]


def test_rates_that_do_not_divide_the_pictures_are_kept_on_average() -> None:
    scheduler = Scheduler(8, SIZES)
    key = Key("v", "a")
    scheduler.wish("v", {"a": Wish(128, rate=16)}, 0.0)
    asked = 0
    for tick in range(250):
        if scheduler.allowed_at(key) <= tick * 0.04:
            scheduler.ask(key, tick * 0.04)
            scheduler.take(tick * 0.04)
            asked += 1
    assert 160 <= asked <= 168


@pytest.mark.parametrize(("heads", "plan"), [(1, HeadPlan(512, 25)), (4, HeadPlan(256, 25))])
def test_late_pictures_make_heads_smaller_but_not_fewer(heads: int, plan: HeadPlan) -> None:
    scheduler = Scheduler(2, SIZES)
    wishes = {f"m{n}": Wish(512) for n in range(heads)}
    for tick in range(1000):
        scheduler.wish("v", wishes, tick * 0.06)
        scheduler.sent(0.06, tick * 0.06)
    assert set(scheduler.plans("v").values()) == {plan}
