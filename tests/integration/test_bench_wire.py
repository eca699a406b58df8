from __future__ import annotations

import pytest

from codec.face_link import EG0, PROFILES
from renderer.head.model import HeadModel
from tests.support.lossy_link import lossy_link
from visavis.bench import wire
from visavis.bench.lively_face import lively_face


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "SETTLE_S", 0.5)
    monkeypatch.setattr(wire, "MEASURE_S", 1.0)


def test_both_profiles_are_metered(head: HeadModel) -> None:
    faces = [lively_face(index) for index in range(20)]
    best, old = (wire.measure(faces, head, profiles) for profiles in (PROFILES, (EG0,)))
    for use in (best, old):
        assert use.delays_ms
        assert 0 < use.payload_kbps_pair < use.kbps_pair
    assert best.payload_kbps_pair < old.payload_kbps_pair


def test_faces_come_through_when_packets_get_lost(head: HeadModel) -> None:
    faces = [lively_face(index) for index in range(20)]
    with lossy_link() as link:
        link.loss = 0.1
        use = wire.measure(faces, head)
    assert link.lost > 0
    assert use.delays_ms
