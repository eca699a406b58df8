"""Waiting for people in a local room."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from visavis import local_room
from visavis.local_room import LocalRoom


class CountedRoom(LocalRoom):
    """Its /healthz tells the given numbers of members one after the other."""

    def tell(self, *members: int) -> None:
        self._members: Iterator[int] = iter(members)

    async def health(self) -> dict[str, Any]:
        return {"members": next(self._members)}

    def untold(self) -> list[int]:
        return list(self._members)


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> CountedRoom:
    monkeypatch.setattr(local_room, "POLL_S", 0.0)
    return CountedRoom("http://127.0.0.1:9", "demo", {}, lambda name, line: None, asyncio.TaskGroup())


async def test_people_beyond_the_wanted_number_do_not_hold_up_a_demo(room: CountedRoom) -> None:
    room.tell(0, 1, 3, 4)
    await room.wait_for_members(2, or_more=True)
    assert room.untold() == [4]


async def test_a_measurement_waits_until_the_others_have_left(room: CountedRoom) -> None:
    room.tell(0, 3, 2, 4)
    await room.wait_for_members(2)
    assert room.untold() == [4]
