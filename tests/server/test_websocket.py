import asyncio
import json

import pytest
from aiohttp import WSServerHandshakeError

from codec.signaling import (
    Error,
    Hello,
    Hosted,
    Join,
    Joined,
    Leave,
    MemberJoined,
    MemberLeft,
    MemberUpdated,
    Notice,
    PartAddress,
    Relayed,
    Signal,
    Update,
    WorkerHello,
)
from server.tokens import AttachClaims, JoinClaims, ResumeClaims, Tokens
from tests.server.conftest import SECRET

DATA = {"kind": "leg", "session": 1, "description": {"type": "offer", "sdp": "v=0\r\n"}, "later": [1, None]}


async def refusal(site, *messages: str | bytes) -> tuple[Error, int | None]:
    """What the server says to the last of these, and with which code it closes."""
    socket = await site.open()
    for message in messages:
        await (socket.websocket.send_str(message) if isinstance(message, str) else socket.websocket.send_bytes(message))
    return await socket.expect(Error), await socket.expect_close()


async def test_two_browsers_a_worker_and_a_bot_meet(site):
    worker = await site.worker(capacity=2)
    ada = await site.enter("page", await site.token())
    assert (ada.welcome.room, ada.welcome.hosted) == ("demo", "none")
    ada_client = await site.attach(worker)
    assert (await ada.expect(Hosted)).state == "ready"

    await ada.send(Signal(PartAddress(ada.welcome.member_id, "client"), "page", DATA))  # the leg, from the lobby
    assert await ada_client.expect(Relayed) == Relayed(PartAddress(ada.welcome.member_id, "page"), DATA)

    await ada.send(Join("Ada", "ab" * 32, False, True))
    joined = await ada.expect(Joined)
    assert joined.members == ()
    assert (joined.member.name, joined.member.kind, joined.member.order) == ("Ada", "browser", 1)
    assert (await ada_client.expect(Joined)).member == joined.member

    bot, bot_joined = await site.join("Robby")
    assert bot.welcome.hosted == "self"
    assert bot_joined.members == (joined.member,)
    assert (bot_joined.member.kind, bot_joined.member.order) == ("bot", 2)
    for socket in (ada, ada_client):
        assert await socket.expect(MemberJoined) == MemberJoined(bot_joined.member)

    ben = await site.enter("page", await site.token())
    ben_client = await site.attach(worker)
    assert (await ben.expect(Hosted)).state == "ready"
    await ben.send(Join("Ben", None, True, False))
    ben_joined = await ben.expect(Joined)
    assert [member.name for member in ben_joined.members] == ["Ada", "Robby"]
    await ben_client.expect(Joined)
    for socket in (ada, ada_client, bot):
        assert await socket.expect(MemberJoined) == MemberJoined(ben_joined.member)

    await ben_client.send(Signal(PartAddress(bot.welcome.member_id, "client"), "client", DATA))
    assert (await bot.expect(Relayed)).sender == PartAddress(ben.welcome.member_id, "client")
    await bot.send(Signal(PartAddress(ada.welcome.member_id, "page"), "page", DATA))
    assert (await ada.expect(Relayed)).sender == PartAddress(bot.welcome.member_id, "page")

    await ben.send(Leave())
    assert await ben.expect_close() == 1000
    assert await ben_client.expect_close() == 1000
    for socket in (ada, ada_client, bot):
        assert await socket.expect(MemberLeft) == MemberLeft(ben.welcome.member_id, "left")
    assert site.gauge("members") == 2
    assert site.gauge("hosted_assigned") == 1


async def test_a_name_that_is_taken_gets_a_number_and_a_notice(site):
    first, _ = await site.join("Ada")
    second, joined = await site.join("ADA ")
    assert joined.member.name == "ADA (2)"
    assert (await second.expect(Notice)).text == "Somebody here is called ADA already, so you are ADA (2)."
    await first.expect(MemberJoined)
    await second.send(Update(name="Eve", muted=True))
    for socket in (first, second):
        updated = (await socket.expect(MemberUpdated)).member
        assert (updated.name, updated.muted, updated.camera_on) == ("Eve", True, True)


async def test_a_full_room_lets_nobody_in_until_somebody_leaves(start_site):
    site = await start_site(max_members=1)
    first, _ = await site.join("Ada")
    late = await site.enter("bot", await site.token())
    await late.send(Join("Ben", None, False, True))
    error = await late.expect(Error)
    assert (error.error_code, error.fatal) == ("room_full", False)
    assert error.detail == "This room is full (1 people). Try again when somebody has left."
    await first.send(Leave())
    await first.expect_close()
    await late.send(Join("Ben", None, False, True))
    await late.expect(Joined)


async def test_rooms_are_apart(site):
    ada, _ = await site.join("Ada", room="one")
    ben, joined = await site.join("Ada", room="two")
    assert (joined.member.name, joined.members) == ("Ada", ())
    await ben.send(Signal(PartAddress(ada.welcome.member_id, "page"), "page", DATA))
    assert (await ben.expect(Error)).error_code == "unknown_member"


async def test_nothing_but_the_own_leg_is_relayed_in_the_lobby(site):
    ada, _ = await site.join("Ada")
    waiting = await site.enter("bot", await site.token())
    await waiting.send(Signal(PartAddress(ada.welcome.member_id, "page"), "page", DATA))
    assert (await waiting.expect(Error)).error_code == "not_joined"
    await ada.send(Signal(PartAddress(waiting.welcome.member_id, "page"), "page", DATA))
    assert (await ada.expect(Error)).error_code == "unknown_member"
    await waiting.send(Update(muted=True))
    assert (await waiting.expect(Error)).error_code == "not_joined"


async def test_a_part_cannot_speak_for_the_other(site):
    worker = await site.worker()
    page = await site.enter("page", await site.token())
    client = await site.attach(worker)
    await page.expect(Hosted)
    await page.send(Signal(PartAddress(page.welcome.member_id, "client"), "client", DATA))
    assert (await page.expect(Error)).error_code == "bad_message"
    await client.send(Join("Ada", None, False, True))
    assert (await client.expect(Error)).error_code == "bad_message"


@pytest.mark.parametrize(
    "message",
    [
        "nonsense",
        "{}",
        b"\x00\x01",
        Leave().to_json(),
        Hello("page", "nonsense").to_json(),
        json.dumps({"type": "hello", "part": "page", "token": "t", "version": 2}),
    ],
)
async def test_a_bad_first_message_ends_the_connection(site, message):
    error, code = await refusal(site, message)
    assert error.fatal
    assert error.error_code in ("bad_message", "bad_token", "bad_version")
    assert code == 1008
    assert site.gauge("open_connections") == 0


@pytest.mark.parametrize(
    ("part", "claims", "secret", "ttl_s"),
    [
        ("page", JoinClaims("demo"), "another secret altogether", 60),
        ("page", JoinClaims("demo"), SECRET, -1),
        ("client", JoinClaims("demo"), SECRET, 60),
        ("client", AttachClaims("demo", "nobody", "a1"), SECRET, 60),
        ("page", AttachClaims("demo", "nobody", "a1"), SECRET, 60),
        ("page", ResumeClaims("demo", "m1", "client", None, "a1"), SECRET, 60),
    ],
)
async def test_wrong_tokens_are_refused(site, part, claims, secret, ttl_s):
    token = Tokens(secret, site.clock).sign(claims, ttl_s)
    error, _ = await refusal(site, Hello(part, token).to_json())
    assert error.error_code == "bad_token"
    assert site.gauge("lobby_members") == 0


async def test_garbage_after_the_hello_is_answered_and_disturbs_nobody(site):
    ada, _ = await site.join("Ada")
    ben, _ = await site.join("Ben")
    await ada.expect(MemberJoined)
    for text in ("nonsense", '{"type": "signal"}', '{"type": "nonsense"}', "[" * 20_000, Hello("bot", "t").to_json()):
        await ben.websocket.send_str(text)
        error = await ben.expect(Error)
        assert (error.error_code, error.fatal) == ("bad_message", False)
    await ben.websocket.send_bytes(b"\xff")
    assert (await ben.expect(Error)).error_code == "bad_message"
    await ben.send(Signal(PartAddress(ada.welcome.member_id, "page"), "page", DATA))
    assert await ada.expect(Relayed)


async def test_an_oversized_message_closes_the_socket_of_its_sender_only(site):
    ada, _ = await site.join("Ada")
    ben, _ = await site.join("Ben")
    await ada.expect(MemberJoined)
    await ben.websocket.send_str("x" * 70_000)
    assert await ben.expect_close() == 1009
    await ada.send(Update(muted=True))
    await ada.expect(MemberUpdated)


async def test_a_flood_ends_the_connection(start_site):
    site = await start_site(message_burst=5)
    ada, _ = await site.join("Ada")  # hello and join are two of the five
    for _ in range(4):
        await ada.websocket.send_str("{}")
    assert [(await ada.expect(Error)).error_code for _ in range(4)] == ["bad_message"] * 3 + ["rate_limited"]
    assert await ada.expect_close() == 1008


async def test_a_silent_socket_is_closed(start_site):
    site = await start_site(hello_timeout_s=0.001)
    socket = await site.open()
    assert await socket.expect_close() == 1008


async def test_a_page_that_comes_back_keeps_its_place(site):
    ada, joined = await site.join("Ada")
    ben, _ = await site.join("Ben")
    await ada.expect(MemberJoined)
    ada.lose()
    await site.until(lambda: site.gauge("open_connections") == 1)
    await site.advance(14.9)
    back = await site.enter("bot", joined.resume_token)
    assert back.welcome.member_id == ada.welcome.member_id
    assert [member.name for member in (await back.expect(Joined)).members] == ["Ben"]
    await site.advance(100)
    await back.send(Signal(PartAddress(ben.welcome.member_id, "page"), "page", DATA))
    await ben.expect(Relayed)  # the first that Ben hears of it


async def test_a_member_that_stays_away_is_lost_and_may_still_come_back(site):
    ada, joined = await site.join("Ada")
    ben, _ = await site.join("Ben")
    await ada.expect(MemberJoined)
    ada.lose()
    await site.until(lambda: site.gauge("open_connections") == 1)
    await site.advance(15.1)
    assert await ben.expect(MemberLeft) == MemberLeft(ada.welcome.member_id, "lost")
    back = await site.enter("bot", joined.resume_token)
    await back.send(Join("Ada", None, False, True))
    assert (await back.expect(Joined)).member == joined.member
    assert (await ben.expect(MemberJoined)).member == joined.member


async def test_a_second_window_takes_the_place_over(site):
    ada, joined = await site.join("Ada")
    again = await site.enter("bot", joined.resume_token)
    await again.expect(Joined)
    error = await ada.expect(Error)
    assert (error.error_code, error.fatal) == ("replaced", True)
    assert await ada.expect_close() == 1008
    await site.advance(100)
    assert site.gauge("members") == 1


async def test_a_call_survives_a_restart_of_the_server(site, start_site):
    worker = await site.worker()
    page = await site.enter("page", await site.token())
    client = await site.attach(worker)
    await page.expect(Hosted)
    bot, bot_joined = await site.join("Robby")
    await page.send(Join("Ada", None, False, True))
    joined, client_joined = await page.expect(Joined), await client.expect(Joined)
    await bot.expect(MemberJoined)
    await asyncio.gather(site.client.server.close(), *(one.expect_close() for one in (page, client, bot, worker)))
    assert page.websocket.close_code == 1001

    restarted = await start_site(clock=site.clock)
    page = await restarted.enter("page", joined.resume_token)
    assert (page.welcome.member_id, page.welcome.hosted) == (joined.member.member_id, "ready")
    worker = await restarted.worker(members=(joined.member.member_id,))
    client = await restarted.enter("client", client_joined.resume_token)
    assert client.welcome.member_id == joined.member.member_id
    bot = await restarted.enter("bot", bot_joined.resume_token)
    await page.send(Join("Ada", None, False, True))
    assert (await page.expect(Joined)).member == joined.member
    await client.expect(Joined)
    await bot.send(Join("Robby", None, False, True))
    assert (await bot.expect(Joined)).members == (joined.member,)
    assert (await page.expect(MemberJoined)).member == bot_joined.member
    await restarted.advance(60)
    assert (restarted.gauge("members"), restarted.gauge("hosted_assigned")) == (2, 1)


async def test_a_dead_worker_is_replaced(site):
    first, second = await site.worker(), await site.worker(capacity=1)
    page = await site.enter("page", await site.token())
    client = await site.attach(first)
    assert (await page.expect(Hosted)).state == "ready"
    client.lose()
    await site.until(lambda: site.gauge("open_connections") == 3)
    first.lose()
    assert (await page.expect(Hosted)).state == "lost"
    client = await site.attach(second)
    assert (await page.expect(Hosted)).state == "ready"
    second.lose()
    client.lose()
    assert (await page.expect(Hosted)).state == "lost"
    assert (await page.expect(Hosted)).state == "none"
    third = await site.worker()
    await site.attach(third)
    assert (await page.expect(Hosted)).state == "ready"


async def test_a_page_from_another_site_is_refused(start_site):
    site = await start_site(public_origins=("https://call.example.org",))
    own = f"http://{site.client.host}:{site.client.port}"
    for origin in (None, own, "https://call.example.org"):
        socket = await site.open(headers={} if origin is None else {"Origin": origin})
        await socket.websocket.close()
    for origin in ("https://evil.example", "null", "https://call.example.org.evil.example", "http://[", "file://"):
        for path in ("/api/ws", "/api/worker"):
            with pytest.raises(WSServerHandshakeError) as caught:
                await site.open(path, headers={"Origin": origin})
            assert caught.value.status == 403


async def test_a_worker_needs_a_token_and_says_hello_once(site):
    stranger = await site.open("/api/worker")
    await stranger.send(WorkerHello(await site.token(), 1))
    error = await stranger.expect(Error)
    assert (error.error_code, error.fatal) == ("bad_token", True)
    assert await stranger.expect_close() == 1008
    worker = await site.worker()
    await worker.send(WorkerHello("t", 1))
    assert (await worker.expect(Error)).error_code == "bad_message"
    assert site.gauge("workers") == 1


async def test_a_fault_in_the_server_closes_one_socket_so_that_it_may_resume(site, monkeypatch, caplog):
    ada, _ = await site.join("Ada")
    ben, _ = await site.join("Ben")
    await ada.expect(MemberJoined)

    def fail(*_):
        raise RuntimeError("a fault")

    with monkeypatch.context() as patch:
        patch.setattr("server.rooms.Rooms.receive", fail)
        await ben.send(Leave())
        assert await ben.expect_close() == 1011
    await ada.send(Update(muted=True))
    await ada.expect(MemberUpdated)


async def test_connections_are_limited(start_site):
    site = await start_site(max_connections=1)
    await site.join("Ada")
    with pytest.raises(WSServerHandshakeError) as caught:
        await site.open()
    assert caught.value.status == 503


async def test_silent_sockets_count_among_the_connections(start_site):
    site = await start_site(max_connections=2)
    silent = [await site.open(), await site.open("/api/worker")]
    for path in ("/api/ws", "/api/worker"):
        with pytest.raises(WSServerHandshakeError) as caught:
            await site.open(path)
        assert caught.value.status == 503
    await silent[0].websocket.close()
    await site.until(lambda: len(site.state.open_sockets) == 1)
    await site.join("Ada")


async def test_the_log_names_nobody(site, caplog):
    with caplog.at_level("DEBUG"):
        ada, _ = await site.join("Ada Lovelace")
        await ada.send(Leave())
        await ada.expect_close()
        await site.until(lambda: "connection closed" in caplog.text)
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("server")]
    assert lines == ["connection closed: kind=bot duration_s=0.0 code=1000"]
