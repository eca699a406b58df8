"""A take over the leg's data channel, from a page to a hosted client and back as a head to try on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

from client.enrolment_queue import Progress
from client.hosted import HostedConfig, HostedWorker
from client.join import fetch_join_token
from codec.avatar_file import avatar_id as id_of
from codec.avatar_owner import with_owner
from server.tokens import make_worker_token
from tests.support.fake_page import FakePage
from tests.support.fakes import tiny_avatar

SECRET = "a secret for tests only"
CHUNKS = [bytes([index % 256]) * 16_384 for index in range(100)]


class Maker:
    """Reads the take and makes one avatar of it."""

    def __init__(self, avatar: bytes) -> None:
        self.avatar = avatar
        self.read = b""

    async def run(self, clip: Path, on_progress: Callable[[Progress], None]) -> None:
        self.read = await asyncio.to_thread(clip.read_bytes)
        on_progress(Progress("training", 1.0, 0.0, 30.0, self.avatar))


async def test_a_take_arrives_whole_and_comes_back_as_an_avatar(start_server, make_equipment, head) -> None:
    server, _ = await start_server()
    _, data = await asyncio.to_thread(tiny_avatar, head, "me")
    maker, (equipment, store) = Maker(data), make_equipment("host")
    avatar_id = id_of(with_owner(data, (await asyncio.to_thread(store.owner_key)).public))
    worker = HostedWorker(HostedConfig(server.url, lambda: make_worker_token(SECRET)), equipment, maker)
    page = FakePage(server.url, await fetch_join_token(server.url, "room"), 120)
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(worker.run())
        try:
            page.start()
            await page.server.until(lambda items: any(getattr(item, "state", "") == "ready" for item in items))
            await page.offer_leg()
            for attempt in range(2):  # the second one breaks off
                take = await page.open_channel("take")
                take.send(json.dumps({"type": "begin", "kind": "video/webm;codecs=vp8"}))
                for chunk in CHUNKS:
                    take.send(chunk)
                if attempt == 1:
                    take.close()
                    break
                take.send(json.dumps({"type": "end", "bytes": sum(map(len, CHUNKS))}))
                await page.ui.until(lambda items: any(item.get("state") == "done" for item in items), 20)
                assert maker.read == b"".join(CHUNKS)
                assert page.said("enrolment")[-1]["avatar_id"] == avatar_id
                page.say(type="enrolment_keep")
                await page.ui.until(lambda items: any(item["type"] == "mine" for item in items))
            await page.ui.until(lambda items: items[-1].get("state") == "failed", 20)
            assert "connection was lost" in page.said("enrolment")[-1]["text"]
            mine = page.said("mine")[0]
            assert await asyncio.to_thread(store.has, avatar_id)
            page.say(type="avatar", avatar_id=avatar_id)
            await page.ui.until(lambda items: items[-1]["type"] == "notice")
            page.say(type="mine_forget", avatar_id=avatar_id, key=mine["key"])
            await page.ui.until(lambda items: items[-1].get("here") is False)
            assert not await asyncio.to_thread(store.has, avatar_id)
        finally:
            await page.aclose()
            serving.cancel()
