from __future__ import annotations

import pytest

from renderer.schedule import SPEAKER_STAYS_S, UPGRADE_AFTER_S, Scheduler
from renderer.schedule_budget import DUTY
from renderer.schedule_plan import HeadPlan, Key, Rank, Wish
from renderer.schedule_queue import EQUAL_S, DueHeads

SIZES = (128, 192, 256, 384, 512)


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
        for member in wishes:
            scheduler.drew(Key("v", member), scheduler.plans("v")[member].size, 2e-3)
    assert set(scheduler.plans("v").values()) == {plan}
