"""One scheduler for all heads that a process draws, whoever looks at them. Sans-IO: `now` is an argument.

It knows what every viewer wants of every head, learns what a picture of each costs, and says which size and rate each
gets and whose turn it is (docs/scheduling.md). The caller sees to it that only one thread at a time is in here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from renderer.schedule_budget import DUTY, Budget, Patience
from renderer.schedule_cost import Costs
from renderer.schedule_plan import HeadPlan, Key, Rank, Wish, floor_of, load, plan_heads
from renderer.schedule_queue import DueHeads

CODING_S_PER_PIXEL = 10e-9
"""Copying a pixel into the video and coding it as VP8: 7 to 9 ns on an AMD EPYC, whatever moves in the picture."""

SPEAKER_STAYS_S = 4.0
"""A head counts as speaking for this long after its last word: sizes must not follow every pause, each costs a key
frame."""

CHECK_S = 1.0
OVER_CHECKS = 2
"""Costs waver: only what is too much in so many checks in a row is taken away."""

UPGRADE_AFTER_S = 5.0
"""What fits again for this long is given back, and later each time that it had to be taken away at once."""

UPGRADE_SHARE = 0.9
"""Only this part of the budget is given back, so that costs which waver do not take it away again."""

RATE_SLACK = 25 / 26
"""Heads may come this much before their time: cameras keep theirs only roughly."""


class Scheduler:
    """See the module.

    Args:
        cores: processor cores of the machine.
        sizes: that tiles may have, pixels, ascending.
        coding_s_per_pixel: processor time that each drawn pixel takes after drawing; 0 where nothing is coded.
        duty: part of the cores that may go into drawing and coding; 1 where nothing else is to be done.
    """

    def __init__(
        self,
        cores: int,
        sizes: Sequence[int],
        coding_s_per_pixel: float = CODING_S_PER_PIXEL,
        duty: float = DUTY,
    ) -> None:
        self.budget = Budget(cores, duty)
        self._sizes = tuple(sizes)
        self._coding_s_per_pixel = coding_s_per_pixel
        self._costs = Costs()
        self._due = DueHeads()
        self._patience = Patience(UPGRADE_AFTER_S)
        self._wishes: dict[Key, Wish] = {}
        self._plans: dict[Key, HeadPlan] = {}
        self._next_at: dict[Key, float] = {}
        self._spoke_at: dict[Key, float] = {}
        self._check_at = 0.0
        self._over = 0

    # --- what everybody gets

    def wish(self, viewer: str, wishes: Mapping[str, Wish], now: float) -> None:
        """All that a viewer wants: member ids and what is wanted of their heads. To be said before each picture."""
        new = {Key(viewer, member): self._as_heard(Key(viewer, member), wish, now) for member, wish in wishes.items()}
        old = {key: wish for key, wish in self._wishes.items() if key.viewer == viewer}
        if new != old:
            for key in old.keys() - new.keys():
                self._forget(key)
            caps = {key: cap for key in self._wishes if (cap := self._cap(key, new.get(key))) is not None}
            self._wishes.update(new)
            self._plans = self._planned(1.0, caps)
        self._check(now)

    def forget(self, viewer: str) -> None:
        """The viewer is gone; the others get more when it has proved to fit."""
        for key in [key for key in self._wishes if key.viewer == viewer]:
            self._forget(key)

    def plans(self, viewer: str) -> dict[str, HeadPlan]:
        """What each head on a viewer's screen gets, by member id."""
        return {key.member_id: plan for key, plan in self._plans.items() if key.viewer == viewer}

    def loads(self) -> tuple[float, float]:
        """Seconds of processor time a second of the plan, and with everybody at their smallest and wanted rate."""
        smallest = {key: replace(floor_of(wish, self._sizes), rate=wish.rate) for key, wish in self._wishes.items()}
        return load(self._plans, self._cost), load(smallest, self._cost)

    def _cost(self, key: Key, size: int) -> float:
        return self._costs.picture_s(key, size) + self._coding_s_per_pixel * size * size

    def _as_heard(self, key: Key, wish: Wish, now: float) -> Wish:
        if wish.rank == Rank.SPEAKER:
            self._spoke_at[key] = now
        elif wish.rank > Rank.PREVIEW and now - self._spoke_at.get(key, -SPEAKER_STAYS_S) < SPEAKER_STAYS_S:
            return replace(wish, rank=Rank.SPEAKER)
        return wish

    def _cap(self, key: Key, new: Wish | None) -> HeadPlan | None:
        """Heads keep what they have: more than that must have been asked for, or have fitted for a while."""
        old, plan = self._wishes[key], self._plans[key]
        new = new or old
        if new.rank > max(old.rank, Rank.OTHER) or new.rank == Rank.SPEAKER:
            return None
        return HeadPlan(new.size if new.size > old.size else plan.size, new.rate if new.rate > old.rate else plan.rate)

    def _check(self, now: float) -> None:
        if now < self._check_at:
            return
        self._check_at = now + CHECK_S
        self._over = self._over + 1 if load(self._plans, self._cost) > self.budget.seconds else 0
        if self._over >= OVER_CHECKS:
            caps = {key: cap for key in self._wishes if (cap := self._cap(key, None)) is not None}
            before, self._plans = self._plans, self._planned(1.0, caps)
            if self._plans != before:
                self._patience.bad(now)
                return
        better = self._planned(UPGRADE_SHARE)
        if not any(better[key].size > plan.size or better[key].rate > plan.rate for key, plan in self._plans.items()):
            self._patience.pause()
        elif self._patience.good(now):
            self._plans = better

    def _planned(self, share: float, caps: Mapping[Key, HeadPlan] | None = None) -> dict[Key, HeadPlan]:
        return plan_heads(self._wishes, self._cost, self.budget.limits(share), self._sizes, caps)

    def _forget(self, key: Key) -> None:
        for known in (self._wishes, self._plans, self._next_at, self._spoke_at):
            known.pop(key, None)
        self._due.discard(key)
        self._costs.forget(key)

    # --- whose turn it is

    def allowed_at(self, key: Key) -> float:
        """From when on a head may be drawn again by its rate, seconds."""
        return self._next_at.get(key, 0.0)

    def ask(self, key: Key, now: float) -> None:
        """A head of the plan has something new to show; its turn comes within one period if the machine keeps up.

        Raises:
            KeyError: no viewer wants the head.
        """
        period_s = 1 / self._plans[key].rate
        # From its due time, not from now: a rate that does not divide that of the pictures is kept on average.
        step_s = RATE_SLACK * period_s
        self._next_at[key] = max(self._next_at.get(key, 0.0), now - step_s) + step_s
        self._due.put(key, now + period_s, self._wishes[key].rank)

    def take(self, now: float) -> Key | None:
        """The head to draw now; None where none is due, or where drawing has had its share of the processor."""
        return None if self.wait_s(now) > 0 else self._due.take()

    def wait_s(self, now: float) -> float:
        """Seconds until drawing may go on, 0 where it may at once."""
        return self.budget.wait_s(now)

    @property
    def waiting(self) -> int:
        """Heads that are due."""
        return len(self._due)

    # --- what came of it

    def drew(self, key: Key, size: int, cpu_s: float) -> None:
        """A picture of a head took this much processor time."""
        self.budget.spend(cpu_s)
        if key in self._wishes:
            self._costs.drew(key, size, cpu_s)

    def sent(self, took_s: float, now: float) -> None:
        """A viewer's picture went out, this long after it was begun."""
        if self.budget.picture(took_s, now, self.loads):
            self._check_at = now
