"""Which tracker a call gets: in a closed loop with one's own avatar, plain with anything else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from avatar_store.guests import list_guests
from avatar_store.store import AvatarStore
from client.avatars import AvatarLibrary
from client.bot import Bot, BotConfig
from client.closed_loop_tracker import make_call_tracker
from client.equipment import Equipment
from client.session import Session
from client.view.pool import DrawingPool
from renderer.head.open_head import load_open_head
from tests.support.fakes import FakeTracker, write_video
from tracker.corrections import Corrections
from tracker.estimator import FaceEstimator
from tracker.face_tracker import FaceTracker
from tracker.loop_mode import LoopMode
from tracker.profile import PersonProfile
from tracker.refined_tracker import RefinedTracker

OTHER = "2b" * 32


@pytest.fixture(scope="module")
def person() -> PersonProfile:
    learned = FaceEstimator(load_open_head()).profile()
    mine = list_guests()[0].avatar_id
    return replace(learned, focal_ratio=1.4, avatar_id=mine, corrections=Corrections.none())


def test_ones_own_avatar_is_looked_at_with_what_is_known_of_oneself(person: PersonProfile, tmp_path: Path) -> None:
    tracker = make_call_tracker(load_open_head(), AvatarStore(tmp_path), person, person.avatar_id)
    assert isinstance(tracker, RefinedTracker)
    assert (tracker.focal_ratio, tracker.name) == (1.4, FaceTracker.name)
    assert tracker._corrections is person.corrections
    tracker.close()


@pytest.mark.parametrize("avatar_id", [None, OTHER, "../../etc/passwd"])
def test_without_an_avatar_that_is_here_the_tracker_is_a_plain_one(person, tmp_path, avatar_id) -> None:
    tracker = make_call_tracker(load_open_head(), AvatarStore(tmp_path), person, avatar_id)
    assert isinstance(tracker, FaceTracker)
    tracker.close()


def test_a_damaged_avatar_costs_the_loop_and_nothing_else(person, tmp_path, caplog) -> None:
    head = load_open_head()
    other_head = replace(head, model_id="0" * 64)
    tracker = make_call_tracker(other_head, AvatarStore(tmp_path), None, person.avatar_id)
    assert isinstance(tracker, FaceTracker)
    assert "cannot use the avatar" in caplog.text
    tracker.close()


def noting_equipment(library: AvatarLibrary) -> tuple[Equipment, list[object]]:
    """Equipment that notes for whom, in which avatar, trackers in a loop are made."""
    wanted: list[object] = []

    def make(whom: PersonProfile | None, avatar_id: str | None) -> FakeTracker:
        wanted.append((whom, avatar_id))
        return FakeTracker()

    equipment = Equipment(library, FakeTracker, lambda model: None, "mediapipe", make)  # pyright: ignore[reportArgumentType]
    return equipment, wanted


@pytest.mark.parametrize(
    ("mode", "known", "worn", "looped"),
    [
        (LoopMode.AUTO, True, 0, True),
        (LoopMode.AUTO, True, 1, False),
        (LoopMode.AUTO, False, 0, False),
        (LoopMode.ON, False, 1, True),
        (LoopMode.OFF, True, 0, False),
    ],
)
async def test_a_bot_goes_by_profile_and_option(person, tmp_path, caplog, mode, known, worn, looped) -> None:
    caplog.set_level("INFO")
    library = AvatarLibrary.with_shipped_guests(load_open_head(), AvatarStore(tmp_path))
    equipment, wanted = noting_equipment(library)
    config = BotConfig(
        "http://127.0.0.1:1", "room", write_video(tmp_path / "a.mp4", 0.2), library.guest_ids[worn], closed_loop=mode
    )
    whom = person if known else None
    bot = Bot(config, equipment, whom)
    bot._player._pipeline._make_tracker()
    assert wanted == ([(whom, library.guest_ids[worn])] if looped else [])
    assert f"closed loop {'on' if looped else 'off: '}" in caplog.text
    await bot._player.aclose()
    await library.aclose()


async def test_a_page_gets_a_tracker_in_a_loop_with_what_its_person_wears(person, tmp_path) -> None:
    library = AvatarLibrary.with_shipped_guests(load_open_head(), AvatarStore(tmp_path))
    equipment, wanted = noting_equipment(library)
    pool = DrawingPool()
    session = Session("http://127.0.0.1:1", "token", equipment, pool, None)  # pyright: ignore[reportArgumentType]
    session._expect(person)
    session._pipeline._next_tracker.pop()()
    session._expect(None)
    assert session._pipeline._next_tracker.pop() is equipment.make_tracker
    assert wanted == [(person, person.avatar_id)]
    pool.close()
    await library.aclose()
