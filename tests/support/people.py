"""Participants of test calls that note what they see."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cached_property

from client.bot import Bot, BotConfig
from client.equipment import Equipment
from client.join import fetch_join_token
from codec.params import FaceParams
from tests.support.fakes import Happening


class WatchingBot(Bot):
    """A bot that notes the faces, avatars and notices that reach it; made in a thread or in the loop."""

    @cached_property
    def faces(self) -> Happening:
        return Happening()

    @cached_property
    def avatars(self) -> Happening:
        return Happening()

    @cached_property
    def notices(self) -> Happening:
        return Happening()

    @cached_property
    def joins(self) -> Happening:
        return Happening()

    @cached_property
    def left(self) -> Happening:
        return Happening()

    def on_joined(self, member) -> None:
        super().on_joined(member)
        self.joins.add(member)

    def on_member_left(self, member_id: str) -> None:
        super().on_member_left(member_id)
        self.left.add(member_id)

    def on_peer_face(self, member_id: str, params: FaceParams | None, capture_ms: int) -> None:
        super().on_peer_face(member_id, params, capture_ms)
        self.faces.add((member_id, params, capture_ms))

    def on_peer_avatar(self, member_id: str, avatar_id: str | None) -> None:
        super().on_peer_avatar(member_id, avatar_id)
        self.avatars.add((member_id, avatar_id))

    def on_notice(self, text: str) -> None:
        super().on_notice(text)
        self.notices.add(text)


@asynccontextmanager
async def present(config: BotConfig, equipment: Equipment) -> AsyncIterator[WatchingBot]:
    """A bot that is in the room within the block."""
    bot = await asyncio.to_thread(WatchingBot, config, equipment)
    token = await fetch_join_token(config.server_url, config.room, passcode=config.passcode)
    task = asyncio.get_running_loop().create_task(bot.run(token), name=f"bot {config.name}")
    try:
        joined = asyncio.get_running_loop().create_task(bot.joins.until(bool))
        await asyncio.wait([joined, task], return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            joined.cancel()
            await task
        yield bot
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
