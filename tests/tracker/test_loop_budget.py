"""The closed loop's budget: what it allows on machines of different speed, and how it comes back."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from tracker.loop_budget import LONGEST_REST_S, REST_S, WINDOW, LoopBudget

STEPS = 4
MS = 1e-3


@dataclass
class Machine:
    """A camera and a machine: each picture takes `tracking_s`, the loop `base_s` and `step_s` for each gradient."""

    tracking_s: float = 10 * MS
    base_s: float = 4 * MS
    step_s: float = 2 * MS
    interval_s: float = 1 / 30
    budget: LoopBudget = field(default_factory=lambda: LoopBudget(STEPS))
    time_s: float = 100.0
    picture: int = 0
    work_s: list[float] = field(default_factory=list)

    def run(self, seconds: float) -> list[int]:
        """Steps of each picture that is tracked: the newest one, whenever the last one is done."""
        end, steps = self.time_s + seconds, []
        while self.time_s < end:
            newest = max(self.picture + 1, int(self.time_s / self.interval_s))
            self.picture, self.time_s = newest, max(self.time_s, newest * self.interval_s)
            steps.append(self.budget.steps())
            loop_s = self.base_s + self.step_s * steps[-1] if steps[-1] else 0.0
            self.budget.account(newest * self.interval_s, self.tracking_s, loop_s)
            self.work_s.append(self.tracking_s + loop_s)
            self.time_s += self.work_s[-1]
        return steps

    def share(self) -> float:
        """Of the interval, over the last second."""
        return sum(self.work_s[-WINDOW:]) / WINDOW / self.interval_s


def test_a_fast_machine_does_all_it_can() -> None:
    assert set(Machine(tracking_s=6 * MS, base_s=2 * MS).run(10)) == {STEPS}


@pytest.mark.parametrize("slowness", [1.3, 1.5, 1.7])
def test_slower_machines_take_fewer_steps_and_keep_their_share(slowness: float) -> None:
    machine = Machine(10 * MS * slowness, 4 * MS * slowness, 2 * MS * slowness)
    assert machine.run(1)[0] == STEPS
    machine.run(9)
    last = machine.run(2)
    assert machine.share() <= 0.75
    assert 0 < max(last) < STEPS


def test_before_it_is_off_every_other_picture_is_left_out() -> None:
    machine = Machine(tracking_s=19 * MS, base_s=5 * MS, step_s=2 * MS)
    machine.run(12)
    last = machine.run(1)
    assert set(zip(last[::2], last[1::2], strict=False)) in ({(0, 2)}, {(2, 0)})


def test_a_machine_that_tracks_with_difficulty_does_without_the_loop(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    machine = Machine(tracking_s=32 * MS, base_s=12 * MS, step_s=6 * MS)
    machine.run(15)
    assert set(machine.run(300)) == {0}
    assert caplog.messages == [f"closed loop off for {REST_S:.0f} s, since this machine is too slow for it"]


def test_once_there_is_time_it_comes_back_and_goes_up_again(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    machine = Machine(tracking_s=30 * MS, base_s=12 * MS)
    machine.run(15)
    machine.tracking_s, machine.base_s = 6 * MS, 2 * MS
    assert set(machine.run(4)) == {0}
    machine.run(50)
    assert set(machine.run(2)) == {STEPS}
    assert caplog.messages[-1] == "closed loop on again"


def test_coming_back_in_vain_becomes_rare(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    machine = Machine(tracking_s=12 * MS, base_s=60 * MS)
    machine.run(1200)
    rests = [float(text.split()[4]) for text in caplog.messages if "off for" in text]
    assert rests[:5] == [REST_S, 2 * REST_S, 4 * REST_S, LONGEST_REST_S, LONGEST_REST_S]
    assert len(rests) < 12


def test_bursts_of_a_network_and_single_hiccups_change_nothing() -> None:
    budget = LoopBudget(STEPS)
    for index in range(500):
        late = 20 * MS if index % 3 == 0 else 0.0
        hiccup = 2.0 if index % 100 == 50 else 0.0
        budget.account(index / 30 + late, 8 * MS + hiccup, 9 * MS)
    assert budget.level.steps == STEPS
