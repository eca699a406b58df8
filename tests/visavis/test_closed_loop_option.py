from __future__ import annotations

from tracker.loop_mode import LoopMode
from visavis.commands.closed_loop import ClosedLoop


def test_the_option_offers_every_mode() -> None:
    assert [mode.value for mode in ClosedLoop] == [mode.value for mode in LoopMode]
