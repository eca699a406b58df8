"""`visavis bench transport`: what becomes of faces on a bad network, on paper (visavis/bench/simulated_call.py)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise, product

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from codec.face_link import EG0, RANGE
from codec.quantizer import TORSO, StreamConfig, quantizer_for
from codec.range_steps import FULL_DIMS, RangeConfig
from codec.rate_control import LADDER
from visavis.bench.impaired_link import Impairment
from visavis.bench.lively_face import time_told
from visavis.bench.report import Figure
from visavis.bench.simulated_call import (
    EPOCH_MS,
    EXPRESSION_BITS,
    FRAME_S,
    CallPlan,
    CallRecord,
    Direction,
    Shown,
    simulate,
)
from visavis.errors import CommandError

SETTLE_S = 2.0
"""Freezes and delays count from then on."""
CLEAN_S = 5.0
"""So long before the end packets cease to get lost: what is shown then must be what was sent."""
RECOVERY_S = 1.0
"""After the last loss, until what is shown is compared to what was sent."""
SHORTEST_S, LONGEST_S = 10.0, 7200.0
HIGHEST_MS = 2000.0
LOWEST_KBPS = 1.0
FRAME_MS = round(1000 * FRAME_S)
MOST_BETWEEN = 6
"""Faces are interpolated between frames at most so far off."""


@dataclass(frozen=True)
class Conditions:
    """What to simulate.

    Args:
        loss: share of packets, 0 .. 0.9.
        rtt_ms: shortest time there and back.
        jitter_ms: mean of what each way takes longer.
        duplicated: share of packets that arrive twice, 0 .. 0.9.
        rate_kbps: of each direction's bottleneck, headers included; None for none.
        rate_ends_s: when the bottleneck goes away; None for never.
        seconds: length of the call.
        profile: of the faces, one of codec.face_link.PROFILES.
        seed: of all that is random.

    Raises:
        CommandError: a number out of its range.
    """

    loss: float = 0.1
    rtt_ms: float = 100.0
    jitter_ms: float = 20.0
    duplicated: float = 0.0
    rate_kbps: float | None = None
    rate_ends_s: float | None = None
    seconds: float = 120.0
    profile: str = RANGE
    seed: int = 1

    def __post_init__(self) -> None:
        _check(self.loss, 0, 0.9, "--loss", "as a share")
        _check(self.duplicated, 0, 0.9, "--duplicated", "as a share")
        _check(self.rtt_ms, 0, HIGHEST_MS, "--rtt", "in milliseconds")
        _check(self.jitter_ms, 0, HIGHEST_MS, "--jitter", "in milliseconds")
        _check(self.seconds, SHORTEST_S, LONGEST_S, "--seconds")
        if self.rate_kbps is not None:
            _check(self.rate_kbps, LOWEST_KBPS, 1e6, "--rate", "in kbit/s")
        if self.rate_ends_s is not None:
            if self.rate_kbps is None:
                raise CommandError("--rate-ends needs --rate.")
            _check(self.rate_ends_s, 0, self.seconds, "--rate-ends", "in seconds of the call")

    def plan(self) -> CallPlan:
        """The call to simulate."""
        bits = None if self.rate_kbps is None else 1000 * self.rate_kbps
        ends_s = self.seconds if self.rate_ends_s is None else self.rate_ends_s

        def link(loss: float, now: float) -> Impairment:
            rate = bits if now < ends_s else None
            return Impairment(loss, self.rtt_ms / 2000, self.jitter_ms / 1000, self.duplicated, rate)

        clean_s = self.seconds - CLEAN_S
        times = sorted({ends_s, clean_s})
        changes = tuple((time, link(self.loss if time < clean_s else 0.0, time)) for time in times)
        return CallPlan(self.seconds, link(self.loss, -1.0), changes, self.profile, self.seed)


def _check(value: float, low: float, high: float, option: str, unit: str = "in seconds") -> None:
    if not low <= value <= high:
        raise CommandError(f"{option} must be between {low:g} and {high:g}, {unit}.")


def run(conditions: Conditions, console: Console) -> list[Figure]:
    """Simulates the call and returns the figures `transport.*` of both directions together."""
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("simulating", total=1.0)
        record = simulate(conditions.plan(), lambda share: progress.update(task, completed=share))
    return figures(record)


def figures(record: CallRecord) -> list[Figure]:
    """Of a call: delays and shares over both directions, the longest freeze and the sums of what must not be."""
    plan, both = record.plan, record.directions
    delays = np.concatenate([delays_ms(direction) for direction in both])
    if not len(delays):
        raise CommandError("No face came through: the link is too bad to measure anything.")
    p50, p95, p99 = np.percentile(delays, [50, 95, 99])
    found = [
        Figure("transport.delivered_pct", float(np.mean([delivered_pct(each) for each in both])), "%", "higher"),
        Figure("transport.delay_p50_ms", float(p50), "ms", "lower"),
        Figure("transport.delay_p95_ms", float(p95), "ms", "lower"),
        Figure("transport.delay_p99_ms", float(p99), "ms", "lower"),
        Figure("transport.freeze_ms", max(freeze_ms(each, plan.seconds) for each in both), "ms", "lower"),
        Figure("transport.stale_frames", sum(stale_frames(each) for each in both), "", "lower"),
        Figure("transport.drift", sum(drifted(each, plan.seconds) for each in both), "", "lower"),
    ]
    for side, link in enumerate(record.links):
        name, seconds = "ab"[side], 1000 * plan.seconds
        payload = 8 * record.payload_bytes[side] / seconds
        found += [
            Figure(f"transport.wire_kbps_{name}", 8 * link.bytes / seconds, "kbit/s", "lower"),
            Figure(f"transport.payload_kbps_{name}", payload, "kbit/s", "lower"),
            Figure(f"transport.packets_per_s_{name}", link.packets / plan.seconds, "1/s", "lower"),
            Figure(f"transport.lost_pct_{name}", 100 * (link.lost + link.overflowed) / link.packets, "%", "lower"),
        ]
    if plan.profile != EG0:
        for step, share in enumerate(step_shares(both)):
            found.append(Figure(f"transport.step_{step}_pct", 100 * share, "%", "higher" if step == 0 else "lower"))
    return found


def delays_ms(direction: Direction) -> NDArray[np.float64]:
    """From capture to showing of each shown face, interpolated ones included, once the call has settled."""
    return np.array([1000 * each.at + EPOCH_MS - each.capture_ms for each in direction.shown if each.at >= SETTLE_S])


def delivered_pct(direction: Direction) -> float:
    """Share of the captured faces that were shown, of those captured early enough.

    A face counts if it is what was captured, up to a step: interpolated ones, which hide a loss, do not.
    """
    due = [time_ms for time_ms in direction.captured if time_ms < max(direction.captured) - 1000 * RECOVERY_S]
    faces = [each for each in direction.shown if each.capture_ms in direction.sent_ms]
    shown = {each.capture_ms for each in faces if _is_exact(each, direction)}
    return 100 * sum(time_ms in shown for time_ms in due) / max(len(due), 1)


def _is_exact(each: Shown, direction: Direction) -> bool:
    return within_a_step(each.values - direction.captured[each.capture_ms], direction.sent_ms[each.capture_ms])


def freeze_ms(direction: Direction, seconds: float) -> float:
    """Longest time without a newer face, from the settling to the end."""
    newer, newest = [SETTLE_S], -1
    for each in direction.shown:
        if each.capture_ms > newest:
            newest = each.capture_ms
            newer.append(max(each.at, SETTLE_S))
    return 1000 * max(after - before for before, after in pairwise([*newer, seconds]))


def stale_frames(direction: Direction) -> int:
    """Faces that were shown after a newer one: by the receiver's account, or by what they look like."""
    stale, newest_ms, newest_look_s = 0, -1, -math.inf
    for each in direction.shown:
        look_s = time_told(each.values, each.at)
        stale += each.capture_ms < newest_ms or look_s < newest_look_s - FRAME_S / 2
        newest_ms, newest_look_s = max(newest_ms, each.capture_ms), max(newest_look_s, look_s)
    return stale


def drifted(direction: Direction, seconds: float) -> int:
    """Faces shown at the end that are neither what was captured nor between two that were.

    They may be off by the coarsest step then in use. In between are faces that stand for one that comes too late.
    """
    begins = seconds - CLEAN_S + RECOVERY_S
    coarsest = max((quality for at, quality in direction.sent if at >= begins - RECOVERY_S), default=-1)

    def explained(each: Shown) -> bool:
        return any(within_a_step(each.values - face, coarsest) for face in _meant(direction, each.capture_ms))

    faces = [each for each in direction.shown if each.at >= begins and each.capture_ms in direction.sent_ms]
    return sum(not explained(each) for each in faces)


def _meant(direction: Direction, capture_ms: int) -> Iterator[NDArray[np.float64]]:
    """What a receiver may show for this capture time: that face, or one between two near it."""
    yield direction.captured[capture_ms]
    near = range(1, MOST_BETWEEN + 1)
    for before, after in product(near, near):
        first = direction.captured.get(capture_ms - before * FRAME_MS)
        last = direction.captured.get(capture_ms + after * FRAME_MS)
        if first is not None and last is not None:
            yield (after * first + before * last) / (before + after)


@cache
def _to_steps(quality: int) -> NDArray[np.float64]:
    """[71, 71] a difference of faces to steps; -1 is profile `eg0`."""
    if quality < 0:
        return np.diag(1 / np.concatenate([quantizer_for(StreamConfig(FULL_DIMS, EXPRESSION_BITS)).steps, TORSO.steps]))
    return RangeConfig(FULL_DIMS, quality).steps.per_unit


def within_a_step(difference: NDArray[np.float64], quality: int) -> bool:
    """Whether two faces [71] are off by what quantization may cost, with a bit for what float32 adds."""
    return bool((np.abs(_to_steps(quality) @ difference) <= 1.001).all())


def step_shares(directions: tuple[Direction, Direction]) -> list[float]:
    """Share of time on each step of the ladder, told from the quality of what was sent."""
    steps = {step.quality: number for number, step in enumerate(LADDER)}
    spent: Counter[int] = Counter()
    for direction in directions:
        for (before, quality), (after, _) in pairwise(direction.sent):
            spent[steps[quality]] += after - before  # pyright: ignore[reportArgumentType]
    total = sum(spent.values())
    return [spent[number] / total if total else 0.0 for number in range(len(LADDER))]
