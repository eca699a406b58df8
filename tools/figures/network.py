"""The recorded faces over a network that loses packets, on a simulated clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from codec.face_link import RANGE, FaceLink
from tools.figures.curves import ARRIVED, SENT, svg_figure
from tools.figures.subject import Moment, Subject
from visavis.bench.impaired_link import ImpairedLink, Impairment

NETWORK = Impairment(loss=0.1, delay_s=0.05, jitter_s=0.02)
SEED = 1
FROM_S, TO_S = 11.0, 15.0
"""Of the recording; the link has settled by then."""
TICK_S = 0.001
POLL_S = 0.05
"""As client/peer_face.py."""
EPOCH_MS = 1000


@dataclass
class Journey:
    """What became of the faces, in seconds of the recording.

    Attributes:
        shown: (when it was shown, when it was captured, degrees of the jaw) of each face, in order.
        sent_s: when packets were sent that arrived.
        lost_s: when packets were sent that got lost.
    """

    shown: list[tuple[float, float, float]] = field(default_factory=list)
    sent_s: list[float] = field(default_factory=list)
    lost_s: list[float] = field(default_factory=list)

    def longest_pause_ms(self) -> float:
        """Longest time without a newer face."""
        newer = [at for at, _, _ in self.shown]
        return 1000 * float(np.diff(newer).max())


class _Side:
    """A camera that sees the moments, a face link, and the way from it to the other side."""

    def __init__(self, moments: list[Moment], seed: int) -> None:
        self.face, self.out = FaceLink(profile=RANGE), ImpairedLink(NETWORK, seed)
        self._moments, self._next, self._poll_s = moments, 0, POLL_S

    def act(self, now: float) -> list[bytes]:
        """The packets to send."""
        packets: list[bytes] = []
        if self._next < len(self._moments) and now >= self._moments[self._next].time_s:
            moment = self._moments[self._next]
            packets += self.face.send(moment.face, EPOCH_MS + round(1000 * moment.time_s), now)
            self._next += 1
        deadline = self.face.deadline()
        if now >= self._poll_s or (deadline is not None and now >= deadline):
            packets += self.face.poll(now)
            self._poll_s += POLL_S if now >= self._poll_s else 0.0
        return packets


def travel(moments: list[Moment], until_s: float) -> Journey:
    """Both sides send the same faces to each other over NETWORK; what one of them sees."""
    journey, asked_s = Journey(), np.inf
    here, there = _Side(moments, 2 * SEED), _Side(moments, 2 * SEED + 1)
    shown_ms: int | None = None
    for tick in range(round(until_s / TICK_S)):
        now = tick * TICK_S
        for side in (here, there):
            for packet in side.act(now):
                lost = side.out.lost
                side.out.send(packet, now)
                if side is here:
                    (journey.lost_s if side.out.lost > lost else journey.sent_s).append(now)
        for packet in there.out.receive(now):
            here.face.receive(packet, now)
        for packet in here.out.receive(now):
            there.face.receive(packet, now)
        if there.face.wants_key():
            asked_s = now + 2 * NETWORK.delay_s  # on a channel that repeats what gets lost
        if now >= asked_s:
            here.face.key_requested()
            asked_s = np.inf
        face, captured_ms = there.face.current(now), there.face.shown_capture_ms
        if face is not None and captured_ms is not None and captured_ms != shown_ms:
            shown_ms = captured_ms
            jaw = float(np.degrees(face.jaw_pose[0]))
            journey.shown.append((now, (captured_ms - EPOCH_MS) / 1000, jaw))
    return journey


def write_network(path: Path, subject: Subject) -> None:
    """The jaw as it is filmed and as it is shown, and the packets in between."""
    whole = travel(subject.moments, TO_S)
    part = Journey(
        [each for each in whole.shown if each[0] >= FROM_S],
        [at for at in whole.sent_s if at >= FROM_S],
        [at for at in whole.lost_s if at >= FROM_S],
    )
    moments = [moment for moment in subject.moments if FROM_S <= moment.time_s < TO_S]
    time_s = np.array([moment.time_s for moment in moments])
    jaw = np.degrees([moment.face.jaw_pose[0] for moment in moments])
    shown_s, captured_s, shown = np.array(part.shown).T
    with svg_figure(path, [4, 1], 4.2) as (above, below):
        above.plot(time_s - FROM_S, jaw, label="as it is sent", **SENT)
        above.plot(shown_s - FROM_S, shown, label="as it is shown", marker=".", markersize=4, **ARRIVED)
        above.set_ylabel("Jaw, degrees")
        above.legend(ncols=2, loc="upper right", frameon=False)
        above.set_ylim(top=1.18 * float(max(jaw.max(), shown.max())))
        below.eventplot(np.array(part.sent_s) - FROM_S, lineoffsets=0.0, linelengths=0.8, colors="0.45", linewidths=1)
        below.plot(np.array(part.lost_s) - FROM_S, np.zeros(len(part.lost_s)), "x", color="black", markersize=9, mew=2)
        below.set(yticks=[], ylim=(-0.8, 0.8), ylabel="Packets", xlim=(0, TO_S - FROM_S))
        count = len(part.sent_s) + len(part.lost_s)
        below.set_xlabel(
            f"Seconds. {len(part.lost_s)} of {count} packets get lost (crosses). Median delay "
            f"{1000 * float(np.median(shown_s - captured_s)):.0f} ms,\nlongest time without a newer face "
            f"{part.longest_pause_ms():.0f} ms. Simulated: {100 * NETWORK.loss:.0f} % loss, "
            f"{2000 * NETWORK.delay_s:.0f} ms there and back, {1000 * NETWORK.jitter_s:.0f} ms mean jitter each way"
        )
