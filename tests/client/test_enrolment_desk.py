from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import pytest

from avatar_store.files import write_first
from avatar_store.keys import OwnerKey, key_path
from avatar_store.store import AvatarStore
from client.avatars import AvatarLibrary
from client.enrolment_desk import EnrolmentDesk
from client.enrolment_keys import OwnerKeys
from client.enrolment_messages import (
    AskForMine,
    CancelEnrolment,
    ForgetMine,
    KeepAvatar,
    TakeBegin,
    TakeEnd,
    TakeLost,
    WatchTake,
)
from client.enrolment_own import OwnAvatars
from client.enrolment_queue import EnrolmentFailed, EnrolmentQueue, Progress
from client.enrolment_upload import MAX_CHUNK_BYTES, TakeStorage
from client.enrolment_watch import TakeWatch
from codec.avatar_file import avatar_id
from codec.avatar_owner import with_owner
from renderer.head.open_head import load_open_head
from tests.support.fakes import Happening, tiny_avatar, write_guests
from tracker.profile import PersonProfile

HEAD = load_open_head()
KEY = OwnerKey.generate()
FIRST, SECOND = (tiny_avatar(HEAD, name)[1] for name in ("first", "the second"))
FIRST_ID, SECOND_ID = (avatar_id(with_owner(data, KEY.public)) for data in (FIRST, SECOND))


class Maker:
    """Makes two avatars; the test opens the gate before the second one."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.problem = ""

    async def run(self, clip: Path, on_progress: Callable[[Progress], None]) -> None:
        if self.problem:
            raise EnrolmentFailed(self.problem)
        on_progress(Progress("instant", 0.4, 50.0, None, FIRST))
        await self.gate.wait()
        on_progress(Progress("training", 0.9, 5.0, 31.0, SECOND, "It was dark."))


class Page:
    """The session and the page behind it."""

    def __init__(self) -> None:
        self.heard = Happening()
        self.previews: list[str | None] = []
        self.watches: list[TakeWatch | None] = []

    def say(self, text: str) -> bool:
        self.heard.add(json.loads(text))
        return True

    def show_preview(self, avatar_id: str | None, person: PersonProfile | None = None) -> None:
        self.previews.append(avatar_id)

    def watch_camera(self, watch: TakeWatch | None) -> None:
        self.watches.append(watch)

    def on_notice(self, text: str) -> None:
        self.heard.add({"type": "notice", "text": text})

    async def until(self, **fields: object) -> dict:
        def fits(items: list[dict]) -> bool:
            return bool(items) and items[-1] | fields == items[-1]

        return (await self.heard.until(fits))[-1]


class Bench:
    """A desk and everything around it."""

    def __init__(self, root: Path, guest_id: str) -> None:
        self.root = root
        self.store = AvatarStore(root / "store", guests=root / "guests")
        write_first(key_path(self.store.root), KEY.to_pem())
        self.library = AvatarLibrary(HEAD, self.store, [guest_id])
        self.own = OwnAvatars(self.library)
        self.maker = Maker()
        self.takes = root / "takes"
        self.takes.mkdir()
        self.queue = EnrolmentQueue(self.maker, TakeStorage(self.takes))
        self.page = Page()
        self.desk = EnrolmentDesk(self.queue, self.library, self.own, TakeWatch, self.page)
        self.desk.start()

    def send(self, *chunks: bytes) -> None:
        self.desk.on_take(TakeBegin("video/webm"))
        for chunk in chunks:
            self.desk.on_take(chunk)
        self.desk.on_take(TakeEnd(sum(map(len, chunks))))

    def takes_left(self) -> int:
        return len(list(self.takes.iterdir()))

    async def aclose(self) -> None:
        await self.desk.aclose()
        await self.queue.aclose()
        await self.library.aclose()


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    guest_id = await asyncio.to_thread(write_guests, tmp_path / "guests", HEAD)
    bench = Bench(tmp_path, guest_id)
    yield bench
    await bench.aclose()
    assert bench.takes_left() == 0


async def test_a_take_becomes_an_avatar_that_is_kept_and_then_a_better_one(bench: Bench) -> None:
    page = bench.page
    bench.send(b"clip", b"more")
    status = await page.until(state="working", avatar_id=FIRST_ID)
    assert (status["stage"], status["share"], status["eta_s"], status["received"]) == ("instant", 0.4, 50.0, 8)
    assert page.previews == [FIRST_ID]
    bench.desk.on_ui(KeepAvatar())
    await page.heard.until(lambda items: any(item["type"] == "mine" for item in items))
    bench.maker.gate.set()
    status = await page.until(state="done", avatar_id=SECOND_ID)
    assert (status["psnr_db"], status["text"], status["share"]) == (31.0, "It was dark.", 1.0)
    mine = [item for item in page.heard.items if item["type"] == "mine"]
    assert [(one["avatar_id"], one["kept"], one["replaces"]) for one in mine] == [
        (FIRST_ID, True, None),
        (SECOND_ID, True, FIRST_ID),
    ]
    assert page.previews == [FIRST_ID], "the page itself puts on what it keeps"
    assert await bench.own.has(SECOND_ID, mine[1]["key"])


async def test_what_is_known_of_the_person_stays_with_the_avatar(bench: Bench) -> None:
    known = np.full(52, 0.1)
    person = PersonProfile(HEAD.model_id, 1.2, np.zeros((161, 3)), known, np.zeros(2), known + 1, 0.0, 0.0, np.zeros(4))
    avatar_id, key = await bench.own.keep(FIRST, person)
    loaded = await bench.own.person(avatar_id)
    assert loaded is not None
    assert loaded.focal_ratio == 1.2
    await bench.own.forget(avatar_id, key)
    assert await bench.own.person(avatar_id) is None


async def test_an_avatar_is_worn_and_deleted_only_with_its_key(bench: Bench) -> None:
    avatar_id, key = await bench.own.keep(FIRST)
    assert await bench.own.may_wear(avatar_id, key)
    assert await bench.own.may_wear(bench.library.guest_ids[0], None)
    for wrong in (None, "0" * 64, "é" * 64):
        assert not await bench.own.may_wear(avatar_id, wrong)
    bench.desk.on_ui(ForgetMine(avatar_id, "0" * 64))
    bench.desk.on_ui(AskForMine(avatar_id, key))
    await bench.page.until(type="mine", here=True, kept=False)
    bench.desk.on_ui(ForgetMine(avatar_id, key))
    bench.desk.on_ui(AskForMine(avatar_id, key))
    await bench.page.heard.until(lambda items: len(items) == 4)
    assert bench.page.heard.items[-1]["here"] is False
    assert OwnAvatars(bench.library) is not bench.own
    assert await OwnAvatars(bench.library).may_wear(avatar_id, key), "keys outlive the process"


async def test_cancelling_lets_everything_go(bench: Bench) -> None:
    bench.send(b"clip")
    await bench.page.until(avatar_id=FIRST_ID)
    bench.desk.on_ui(CancelEnrolment())
    await bench.page.until(state="none", avatar_id=None)
    assert bench.page.previews == [FIRST_ID, None]
    assert bench.takes_left() == 0
    bench.desk.on_ui(KeepAvatar())
    bench.desk.on_ui(AskForMine(FIRST_ID, "0" * 64))
    assert (await bench.page.until(type="mine"))["here"] is False


async def test_a_newer_take_replaces_the_one_in_work(bench: Bench) -> None:
    bench.send(b"clip")
    await bench.page.until(avatar_id=FIRST_ID)
    bench.desk.on_take(TakeBegin("video/mp4"))
    await bench.page.until(state="receiving", avatar_id=None)
    assert bench.page.previews == [FIRST_ID, None]
    assert bench.takes_left() == 1


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ([TakeBegin("text/html")], "form that cannot be used"),
        ([TakeBegin("video/webm"), b"clip", TakeEnd(5)], "whole"),
        ([TakeBegin("video/webm"), b"clip", TakeLost()], "connection was lost"),
        ([TakeBegin("video/webm"), bytes(MAX_CHUNK_BYTES + 1)], "pieces"),
    ],
)
async def test_what_cannot_be_taken_is_one_sentence(bench: Bench, events: list, words: str) -> None:
    for event in events:
        bench.desk.on_take(event)
    assert words in (await bench.page.until(state="failed"))["text"]
    assert bench.takes_left() == 0
    bench.desk.on_take(b"late")
    bench.desk.on_take(TakeEnd(4))
    bench.desk.on_take(TakeLost())
    bench.send(b"clip")
    await bench.page.until(avatar_id=FIRST_ID)


async def test_a_failed_enrolment_says_why(bench: Bench) -> None:
    bench.maker.problem = "The recording shows no face."
    bench.send(b"clip")
    await bench.page.until(state="failed", text="The recording shows no face.")


async def test_a_page_that_comes_again_is_told_everything(bench: Bench) -> None:
    bench.send(b"clip")
    said = await bench.page.until(avatar_id=FIRST_ID)
    count = len(bench.page.heard.items)
    bench.desk.on_leg_open()
    await bench.page.heard.until(lambda items: len(items) > count)
    assert bench.page.heard.items[-1] == said


async def test_coverage_is_said_while_it_is_watched(bench: Bench) -> None:
    bench.desk.on_ui(WatchTake(True))
    coverage = await bench.page.until(type="coverage")
    assert coverage["missing"] == []
    assert bench.page.watches[0] is not None
    bench.desk.on_ui(WatchTake(False))
    assert bench.page.watches[1] is None


async def test_deleting_an_avatar_from_before_there_were_owners_leaves_nothing(bench: Bench) -> None:
    old = avatar_id(FIRST)
    folder = bench.store.root / "own"
    await asyncio.to_thread(folder.mkdir, parents=True)
    await asyncio.to_thread((folder / f"{old}.vav").write_bytes, FIRST)
    key = await asyncio.to_thread(OwnerKeys(bench.store.root).key, old)
    assert await bench.own.worn(old) == FIRST_ID
    assert await bench.own.forget(old, key)
    assert await asyncio.to_thread(bench.store.entries) == []
