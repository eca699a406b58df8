from __future__ import annotations

import asyncio
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from avatar_store.store import AvatarStore
from client import load_equipment
from renderer.head.open_head import load_open_head
from tracker.estimator import FaceEstimator
from tracker.extractor import EXTRACTORS, Extractor
from tracker.profile import ProfileError


async def test_peers_are_told_the_name_of_the_tracker_in_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_equipment, "_spare_collector", lambda: None)  # it would change the whole test run
    equipment = await asyncio.to_thread(load_equipment.load_plain_equipment, AvatarStore(tmp_path))
    tracker: Extractor = await asyncio.to_thread(equipment.make_tracker)
    with closing(tracker):
        assert equipment.extractor == tracker.name
    assert equipment.extractor in EXTRACTORS
    await equipment.library.aclose()


async def test_the_tracker_expects_the_person_of_the_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_equipment, "_spare_collector", lambda: None)
    person = replace(FaceEstimator(load_open_head()).profile(), focal_ratio=1.4)
    equipment = await asyncio.to_thread(load_equipment.load_plain_equipment, AvatarStore(tmp_path), person)
    tracker: Extractor = await asyncio.to_thread(equipment.make_tracker)
    with closing(tracker):
        assert tracker.focal_ratio == 1.4
    await equipment.library.aclose()


def test_a_profile_for_another_head_is_refused_while_loading(tmp_path: Path) -> None:
    person = replace(FaceEstimator(load_open_head()).profile(), head_model_id="0" * 64)
    with pytest.raises(ProfileError, match="another head model"):
        load_equipment.load_plain_equipment(AvatarStore(tmp_path), person)
