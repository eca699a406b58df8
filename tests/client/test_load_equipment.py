from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path

import pytest

from avatar_store.store import AvatarStore
from client import load_equipment
from tracker.extractor import EXTRACTORS, Extractor


async def test_peers_are_told_the_name_of_the_tracker_in_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_equipment, "_spare_collector", lambda: None)  # it would change the whole test run
    equipment = await asyncio.to_thread(load_equipment.load_plain_equipment, AvatarStore(tmp_path))
    tracker: Extractor = await asyncio.to_thread(equipment.make_tracker)
    with closing(tracker):
        assert equipment.extractor == tracker.name
    assert equipment.extractor in EXTRACTORS
    await equipment.library.aclose()
