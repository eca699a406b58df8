from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from client.bot import BotConfig
from client.clock import unix_ms
from client.errors import JoinRefused, MediaError, ServerUnreachable
from client.join import fetch_join_token
from client.negotiation import LinkState
from codec.motion_basis import MotionBasis
from codec.motion_table import STANDARD
from tests.support.fakes import FakeTracker, face_of_gray, gray_at, rgb_of_luma, tiny_avatar, write_video
from tests.support.people import WatchingBot, present


def config(url: str, video: Path, name: str, **options) -> BotConfig:
    return BotConfig(url, "room", video, name=name, loop=True, **options)


async def test_faces_travel_both_ways_with_their_capture_time(start_server, make_equipment, clip: Path) -> None:
    server, _ = await start_server()
    (one, _), (two, _) = make_equipment("one"), make_equipment("two")
    guest = one.library.guest_ids[0]
    async with (
        present(config(server.url, clip, "Ada", avatar_id=guest), one) as ada,
        present(config(server.url, clip, "Noor", avatar_id=guest), two) as noor,
    ):
        seen = await noor.faces.until(lambda items: sum(params is not None for _, params, _ in items) > 40)
        await ada.faces.until(lambda items: sum(params is not None for _, params, _ in items) > 10)
        jaws = np.array([params.jaw_pose[0] for _, params, _ in seen if params is not None])
        times = np.array([capture_ms for _, params, capture_ms in seen if params is not None])
        shown = np.array([face_of_gray(rgb_of_luma(gray_at(index))).jaw_pose[0] for index in range(40)])
        assert np.abs(jaws[:, None] - shown[None]).min(axis=1).max() < 0.01
        assert jaws.max() - jaws.min() > 0.15
        assert (np.diff(times) >= 0).all()
        assert abs(times[-1] - unix_ms()) < 3000
        (stats,) = ada.call.stats()
        assert stats.state is LinkState.LIVE
        assert stats.avatar == "own"
        link = ada.call.link(noor.call.member_id)
        assert link.extractor == "tracker of two"
        meter, packets = link.meter(), link.counters()["packets_out"]
        before = meter.datagrams_out, packets
        count = len(noor.faces.items)
        await noor.faces.until(lambda items: len(items) > count + 25)
        sent = meter.datagrams_out - before[0], link.counters()["packets_out"] - before[1]
        assert sent[0] < 1.6 * sent[1]  # acknowledgements ride with faces


async def test_an_avatar_is_sent_once_and_known_the_second_time(start_server, make_equipment, head, clip: Path) -> None:
    server, _ = await start_server()
    (one, store_one), (two, store_two) = make_equipment("one"), make_equipment("two")
    _, data = await asyncio.to_thread(tiny_avatar, head, "Ada's own", 400)
    avatar_id = await asyncio.to_thread(lambda: store_one.put(data, own=True))
    sent: list[int] = []
    for _ in range(2):
        async with (
            present(config(server.url, clip, "Ada", avatar_id=avatar_id), one) as ada,
            present(config(server.url, clip, "Noor", avatar_id=two.library.guest_ids[0]), two) as noor,
        ):
            items = await noor.avatars.until(bool)
            assert items == [(ada.call.member_id, avatar_id)]
            await noor.faces.until(bool)
            link = ada.call.link(noor.call.member_id)
            sent.append(link.avatar_bytes_sent)
    assert sent[0] >= len(data)
    assert sent[1] == 0
    assert await asyncio.to_thread(store_two.get, avatar_id) == await asyncio.to_thread(store_one.get, avatar_id)


async def test_faces_travel_in_the_motions_of_their_avatar_once_it_has_arrived(
    start_server, make_equipment, head, clip: Path
) -> None:
    server, _ = await start_server()
    (one, store), (two, _) = make_equipment("one"), make_equipment("two")
    motions = MotionBasis.of_rows(STANDARD.rows[::-1])
    _, data = await asyncio.to_thread(tiny_avatar, head, "Ada's own", 400, motions)
    avatar_id = await asyncio.to_thread(lambda: store.put(data, own=True))
    guest = two.library.guest_ids[0]
    async with (
        present(config(server.url, clip, "Ada", avatar_id=avatar_id), one) as ada,
        present(config(server.url, clip, "Noor", avatar_id=guest), two) as noor,
    ):
        counters = noor.call.link(ada.call.member_id).counters
        await noor.faces.until(lambda items: counters()["own_motions_in"] > 20)
        seen = [params for _, params, _ in noor.faces.items if params is not None]
        shown = np.array([face_of_gray(rgb_of_luma(gray_at(index))).jaw_pose[0] for index in range(40)])
        assert np.abs(np.array([params.jaw_pose[0] for params in seen])[:, None] - shown).min(axis=1).max() < 0.01
        assert not counters()["bad_packets"]
        assert ada.call.link(noor.call.member_id).counters()["own_motions_in"] == 0  # guests have none
        await ada.call.set_avatar(guest)
        before = counters()["own_motions_in"]
        count = len(noor.faces.items)
        await noor.faces.until(lambda items: len(items) > count + 25)
        assert counters()["own_motions_in"] <= before + 3  # those that were on their way
        assert counters()["bad_packets"]["unknown_motions"] <= 3


async def test_faces_go_on_while_the_server_is_away_and_it_is_found_again(
    start_server, make_equipment, clip: Path
) -> None:
    server, stack = await start_server()
    (one, _), (two, _) = make_equipment("one"), make_equipment("two")
    guest = one.library.guest_ids[0]
    async with (
        present(config(server.url, clip, "Ada", avatar_id=guest), one) as ada,
        present(config(server.url, clip, "Noor", avatar_id=guest), two) as noor,
    ):
        await noor.faces.until(bool)
        ada_id = ada.call.member_id
        await stack.aclose()
        seen = len(noor.faces.items)
        await noor.faces.until(lambda items: len(items) > seen + 20)
        await start_server(server.port)
        for bot in (ada, noor):
            await bot.joins.until(lambda items: len(items) >= 2)
        assert ada.call.member_id == ada_id
        seen = len(noor.faces.items)
        await noor.faces.until(lambda items: len(items) > seen + 20)
        assert noor.left.items == []
        (stats,) = noor.call.stats()
        assert stats.state is LinkState.LIVE


async def test_a_third_one_comes_and_goes(start_server, make_equipment, clip: Path) -> None:
    server, _ = await start_server()
    equipment = [make_equipment(name)[0] for name in ("one", "two", "three")]
    guest = equipment[0].library.guest_ids[0]
    async with (
        present(config(server.url, clip, "Ada", avatar_id=guest), equipment[0]) as ada,
        present(config(server.url, clip, "Noor", avatar_id=guest), equipment[1]),
    ):
        async with present(config(server.url, clip, "Kai", avatar_id=guest), equipment[2]) as kai:
            kai_id = kai.call.member_id
            await ada.faces.until(lambda items: any(member == kai_id for member, *_ in items))
            await kai.faces.until(lambda items: len({member for member, *_ in items}) == 2)
        assert await ada.left.until(bool) == [kai_id]
        assert len(ada.call.stats()) == 1


async def test_a_file_that_ends_ends_the_bot(start_server, make_equipment, tmp_path: Path) -> None:
    server, _ = await start_server()
    equipment, _ = make_equipment("one")
    video = await asyncio.to_thread(write_video, tmp_path / "short.mp4", 0.4)
    bot = WatchingBot(BotConfig(server.url, "room", video, equipment.library.guest_ids[0]), equipment)
    async with asyncio.timeout(10):
        await bot.run(await fetch_join_token(server.url, "room"))


async def test_a_recording_without_a_face_is_named(start_server, make_equipment, tmp_path: Path) -> None:
    server, _ = await start_server()
    equipment, _ = make_equipment("one")
    video = await asyncio.to_thread(lambda: write_video(tmp_path / "dark.mp4", 0.4, gray=lambda index: 0))
    bot = WatchingBot(BotConfig(server.url, "room", video, equipment.library.guest_ids[0]), equipment)
    with pytest.raises(MediaError, match=r"No face was found in the first .* of dark\.mp4"):
        async with asyncio.timeout(10):
            await bot.run(await fetch_join_token(server.url, "room"))


async def test_a_recording_waits_until_the_tracker_is_loaded(start_server, make_equipment, tmp_path: Path) -> None:
    server, _ = await start_server()
    equipment, _ = make_equipment("one")
    loaded = threading.Event()

    def load() -> FakeTracker:
        loaded.wait(10)
        return FakeTracker()

    video = await asyncio.to_thread(write_video, tmp_path / "short.mp4", 0.4)
    once = BotConfig(server.url, "room", video, equipment.library.guest_ids[0])
    bot = WatchingBot(once, replace(equipment, make_tracker=load))
    token = await fetch_join_token(server.url, "room")
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(bot.run(token))
        await bot.joins.until(bool)
        assert not any(thread.is_alive() for thread in bot._player._source._threads)
        loaded.set()
    assert bot._player._faces > 0


async def test_refusals_are_sentences(start_server, make_equipment, clip: Path) -> None:
    server, _ = await start_server(passcode="open sesame", max_members=1)
    equipment, _ = make_equipment("one")
    guest = equipment.library.guest_ids[0]
    with pytest.raises(JoinRefused, match="passcode is wrong"):
        await fetch_join_token(server.url, "room", passcode="guess")
    with pytest.raises(JoinRefused, match="letters, digits"):
        await fetch_join_token(server.url, "no such room!", passcode="open sesame")
    with pytest.raises(ServerUnreachable, match="cannot be reached"):
        await fetch_join_token("http://127.0.0.1:9", "room")
    async with present(config(server.url, clip, "Ada", avatar_id=guest, passcode="open sesame"), equipment):
        bot = WatchingBot(config(server.url, clip, "Noor", avatar_id=guest), make_equipment("two")[0])
        with pytest.raises(JoinRefused, match="room is full"):
            async with asyncio.timeout(10):
                await bot.run(await fetch_join_token(server.url, "room", passcode="open sesame"))
