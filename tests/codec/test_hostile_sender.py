"""A peer may send anything: what is shown stays a face that moves as faces can, and the next honest packet counts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.burst_coding import BurstEncoder, NumberedFace
from codec.burst_packet import Burst, BurstKind, BurstPacket, LinkReport
from codec.face_link import RANGE, FaceLink
from codec.face_receiver import RESYNC_S
from codec.packet import Ack
from codec.params import EXPRESSION_DIMS, FaceParams
from codec.range_steps import QUALITIES, RangeConfig
from tests.support.hostile_faces import ShownFaces
from tests.support.tracks import talking
from tools.avatar_vectors import own_basis

qualities = st.integers(0, QUALITIES - 1)
configs = st.builds(RangeConfig, st.sampled_from(EXPRESSION_DIMS), qualities) | st.builds(
    RangeConfig, st.just(50), qualities, st.just(own_basis())
)
steps_s = st.sampled_from([0.0, 0.001, 0.02, 0.04, 0.3, 1.0, 6.0])


@st.composite
def lies(draw: st.DrawFn) -> BurstPacket:
    """A well-formed header that says anything, before any bytes."""
    burst = Burst(
        draw(configs),
        draw(st.integers(0, 3)),
        draw(st.integers(1, 255)),
        tuple(draw(st.lists(st.integers(1, 255), max_size=7))),
        draw(st.binary(max_size=80)),
        draw(st.sampled_from([0.0, 1020.0])),
    )
    ack = Ack(draw(st.integers(0, 65_535)), draw(st.integers(0, 255)))
    report = LinkReport(draw(st.floats(0, 1)), draw(st.floats(0, 1020)))
    kind = draw(st.sampled_from(BurstKind))
    sequence, time_ms = draw(st.integers(0, 200) | st.integers(0, 65_535)), draw(st.integers(0, 2**32 - 1))
    return BurstPacket(kind, sequence, time_ms, ack, report, burst if kind is BurstKind.FACES else None)


class Victim:
    """A link that talks and listens; every face that it shows is checked."""

    def __init__(self) -> None:
        self.link, self.faces, self.now = FaceLink(profile=RANGE), ShownFaces(), 0.0
        self.link.learn(own_basis())

    def take(self, data: bytes, seconds: float) -> None:
        self.now += seconds
        self.link.receive(data, self.now)
        self.look()
        self.link.send(talking(self.now), int(1000 * self.now), self.now)
        self.link.poll(self.now)
        following = self.link.next_change(self.now)
        assert following is None or following >= self.now

    def look(self) -> None:
        face = self.link.current(self.now)
        if face is not None:
            self.faces.check(face, self.now)


def bent(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8 % len(changed)] ^= 1 << bit % 8
    return bytes(changed)


@settings(max_examples=80)
@given(
    st.lists(st.tuples(lies(), st.integers(0, 10_000), st.sampled_from(["lie", "bits", "end"]), steps_s), max_size=40)
)
def test_whatever_comes_is_dropped_or_a_face_that_moves_as_faces_can(
    packets: list[tuple[BurstPacket, int, str, float]],
) -> None:
    honest, victim = FaceLink(profile=RANGE), Victim()
    for lie, number, what, seconds in packets:
        good = honest.send(talking(victim.now), int(1000 * victim.now), victim.now)
        for data in good or [lie.pack()]:
            if what == "lie":
                victim.take(lie.pack(), seconds)
            else:
                victim.take(bent(data, number) if what == "bits" else data[: number % len(data)], seconds)
            victim.take(data, 0.0)
    victim.now += RESYNC_S
    for sequence in range(3):  # whoever comes now is understood
        burst = BurstEncoder().encode([NumberedFace(0, 0, talking(1.0))], RangeConfig(), sequence)
        victim.take(BurstPacket(BurstKind.FACES, sequence, 40 * sequence, burst=burst).pack(), 0.3)
    face = victim.link.current(victim.now)
    assert face is not None
    np.testing.assert_allclose(face.to_vector()[50:], talking(1.0).to_vector()[50:], atol=0.01)


@settings(max_examples=40)
@given(st.lists(st.tuples(configs, st.integers(1, 255), st.integers(-5000, 5000), st.integers(0, 1 << 30), steps_s)))
def test_a_sender_that_lies_about_what_it_sends_moves_no_face_too_fast(
    frames: list[tuple[RangeConfig, int, int, int, float]],
) -> None:
    """Well-coded leaps, with other dimensions, qualities, distances and times than they have."""
    encoder, victim = BurstEncoder(), Victim()
    for sequence, (config, distance, jump_ms, seed, seconds) in enumerate(frames):
        numbers = np.random.default_rng(seed).uniform(-4, 4, 71).astype(np.float32)
        leap = FaceParams.from_vector(numbers[:65], numbers[65:])
        burst = encoder.encode([NumberedFace(sequence, 0, leap)], config, sequence)
        if burst.reference_offset:
            burst = replace(burst, distance=distance)
        time_ms = int(1000 * victim.now) + jump_ms
        victim.take(BurstPacket(BurstKind.FACES, sequence, time_ms, burst=burst).pack(), seconds)
        encoder.acknowledge(Ack(sequence))
        for _ in range(3):
            victim.now += 0.007
            victim.look()
