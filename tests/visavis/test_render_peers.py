from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.fakes import FakeRenderer
from visavis.bench.render_peers import busy_core, draw_slots


class BrokenRenderer(FakeRenderer):
    def render(self, params, camera, background, planes, /) -> None:
        raise ZeroDivisionError


def test_every_head_and_slot_is_accounted_for() -> None:
    drawn = draw_slots(FakeRenderer, peers=2, slots=4, size=128)
    assert drawn.missed_pct in {100 * missed / 8 for missed in range(9)}
    assert drawn.p99_ms > 0
    assert drawn.cpu_pct > 0


def test_heads_that_are_never_drawn_are_all_missed(caplog: pytest.LogCaptureFixture) -> None:
    drawn = draw_slots(BrokenRenderer, peers=3, slots=2, size=128)
    assert drawn.missed_pct == 100
    assert drawn.p99_ms == float("inf")
    assert caplog.text.count("could not be drawn") == 3


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks into /proc")
def test_the_busy_process_ends_with_the_block() -> None:
    with busy_core() as pid:
        assert Path(f"/proc/{pid}").exists()
    assert not Path(f"/proc/{pid}").exists()
