from __future__ import annotations

import asyncio
from types import SimpleNamespace

from avatar_store.errors import UnknownAvatar
from client.wardrobe import NOT_HERE, Wardrobe

GUEST, MINE, GONE = "g" * 64, "a" * 64, "b" * 64


class Room:
    """All that a wardrobe deals with."""

    def __init__(self) -> None:
        self.guest_ids = (GUEST,)
        self.avatar_id = GUEST
        self.shown: list[str] = []
        self.expected: list[object] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.wardrobe = Wardrobe(self, self, self, SimpleNamespace(wear=self.wear), self.expected.append)  # type: ignore[arg-type]

    async def may_wear(self, avatar_id: str, key: str | None) -> bool:
        return avatar_id == GUEST or key == "key"

    async def person(self, avatar_id: str) -> str | None:
        return "me" if avatar_id == MINE else None

    async def worn(self, avatar_id: str) -> str:
        return avatar_id

    async def model(self, avatar_id: str) -> None:
        await self.gate.wait()
        if avatar_id == GONE:
            raise UnknownAvatar(avatar_id)

    async def set_avatar(self, avatar_id: str) -> None:
        self.avatar_id = avatar_id

    def wear(self, member_id: str, avatar_id: str) -> None:
        assert member_id == "self"
        self.shown.append(avatar_id)


async def test_others_and_oneself_see_what_is_chosen_and_the_tracker_expects_its_person() -> None:
    room = Room()
    for avatar_id, key in ((MINE, "key"), (MINE, "key"), (None, None)):
        assert await room.wardrobe.choose(avatar_id, key) == ""
    assert room.avatar_id == GUEST
    assert room.shown == [MINE, MINE, GUEST]
    assert room.expected == ["me", None], "the tracker is changed only when the avatar changes"


async def test_what_is_not_mine_or_not_here_is_not_worn() -> None:
    room = Room()
    for avatar_id, key in ((MINE, None), (MINE, "wrong"), (GONE, "key")):
        assert await room.wardrobe.choose(avatar_id, key) == NOT_HERE
    assert (room.avatar_id, room.shown, room.expected) == (GUEST, [], [])


async def test_the_newest_choice_wins() -> None:
    room = Room()
    room.gate.clear()
    async with asyncio.TaskGroup() as group:
        old = group.create_task(room.wardrobe.choose(GONE, "key"))
        new = group.create_task(room.wardrobe.choose(MINE, "key"))
        await asyncio.sleep(0)
        room.gate.set()
    assert (old.result(), new.result(), room.avatar_id) == ("", "", MINE)


async def test_trying_on_is_for_oneself_only() -> None:
    room = Room()
    await room.wardrobe.choose(None, None)
    room.wardrobe.try_on(MINE, "me as recorded")  # type: ignore[arg-type]
    assert room.avatar_id == GUEST
    await room.wardrobe.choose(None, None)  # a page that comes again says what is chosen
    assert room.shown == [GUEST, MINE]
    room.wardrobe.try_on(None)
    assert room.shown == [GUEST, MINE, GUEST]
    room.wardrobe.try_on(MINE, "me as recorded")  # type: ignore[arg-type]
    await room.wardrobe.choose(MINE, "key")
    assert room.avatar_id == MINE
    assert room.expected == [None, "me as recorded", None, "me as recorded"]
