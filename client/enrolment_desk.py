"""One person's enrolment: takes in what the page records, has an avatar made of it, shows it, and keeps it or not."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Protocol

from avatar_store.errors import AvatarStoreError
from client.avatars import UNUSABLE, AvatarLibrary
from client.enrolment_messages import (
    AskForMine,
    CancelEnrolment,
    EnrolmentMessage,
    EnrolmentStatus,
    ForgetMine,
    KeepAvatar,
    TakeBegin,
    TakeEnd,
    TakeEvent,
    TakeLost,
    WatchTake,
    coverage_text,
    mine_text,
)
from client.enrolment_own import OwnAvatars
from client.enrolment_queue import EnrolmentQueue, Job, Progress
from client.enrolment_upload import MAX_UNWRITTEN_BYTES, TakeRefused, TakeUpload
from client.enrolment_watch import TakeWatch
from client.tasks import TaskOwner
from tracker.profile import PersonProfile

logger = logging.getLogger(__name__)

SAY_EVERY_S = 0.2
Step = Callable[[], Awaitable[None]]


class DeskEvents(Protocol):
    """What a desk asks of its session; in the event loop."""

    def say(self, text: str) -> bool:
        """Sends a `ui` message; False if it was dropped."""
        ...

    def show_preview(self, avatar_id: str | None, person: PersonProfile | None = None) -> None:
        """Dresses the person's own head, for their eyes only, in this avatar of `person`; None: in the chosen one."""
        ...

    def watch_camera(self, watch: TakeWatch | None) -> None:
        """Lets `watch` see every tracked picture."""
        ...

    def on_notice(self, text: str) -> None:
        """Something to tell the person."""
        ...


class EnrolmentDesk:
    """See the module. What the page wants is done in order, one thing at a time.

    Args:
        queue: of the process.
        library: avatars.
        own: likewise.
        make_watch: looks at the live camera picture.
        events: the session.
    """

    def __init__(
        self,
        queue: EnrolmentQueue,
        library: AvatarLibrary,
        own: OwnAvatars,
        make_watch: Callable[[], TakeWatch],
        events: DeskEvents,
    ) -> None:
        self._queue = queue
        self._library = library
        self._own = own
        self._make_watch = make_watch
        self._events = events
        self._steps: asyncio.Queue[Step] = asyncio.Queue()
        self._backlog_bytes = 0
        self._tasks = TaskOwner("enrolment-desk")
        self._status = EnrolmentStatus()
        self._news = asyncio.Event()
        self._watch: TakeWatch | None = None
        self._upload: TakeUpload | None = None
        self._job: Job | None = None
        self._data: bytes | None = None
        self._person: PersonProfile | None = None
        self._kept: str | None = None
        self._said = ""

    def start(self) -> None:
        """Begins to work."""
        self._tasks.start(self._work(), "work")
        self._tasks.start(self._report(), "report")

    async def aclose(self) -> None:
        """Ends it; a take that is here goes."""
        await self._tasks.aclose()
        await self._drop()

    def on_leg_open(self) -> None:
        """A page is there, perhaps another one: it is told everything."""
        self._said = ""
        self._news.set()

    def on_ui(self, message: EnrolmentMessage) -> None:
        """The page wants something."""
        match message:
            case WatchTake(on):
                self._watch = self._make_watch() if on else None
                self._events.watch_camera(self._watch)
                self._news.set()
            case KeepAvatar():
                self._steps.put_nowait(self._keep)
            case CancelEnrolment():
                self._steps.put_nowait(self._cancel)
            case AskForMine(avatar_id, key):
                self._steps.put_nowait(partial(self._look_for, avatar_id, key))
            case ForgetMine(avatar_id, key):
                self._steps.put_nowait(partial(self._forget, avatar_id, key))

    def on_take(self, event: TakeEvent) -> None:
        """Something came over the `take` channel."""
        if isinstance(event, bytes):
            if self._backlog_bytes + len(event) > MAX_UNWRITTEN_BYTES:
                return  # the count of bytes at the end will not do, and the person is told
            self._backlog_bytes += len(event)
        self._steps.put_nowait(partial(self._take, event))

    # --- what the job says

    def on_position(self, ahead: int) -> None:
        """See client.enrolment_queue.JobEvents."""
        self._tell(state="queued" if ahead else "working", ahead=ahead)

    def on_progress(self, progress: Progress) -> None:
        """See client.enrolment_queue.JobEvents."""
        status = self._status
        self._tell(
            stage=progress.stage,
            share=max(progress.share, status.share),
            eta_s=progress.eta_s,
            psnr_db=status.psnr_db if progress.psnr_db is None else progress.psnr_db,
            text=progress.warning or status.text,
        )
        if progress.avatar is not None:
            self._steps.put_nowait(partial(self._preview, self._job, progress.avatar, progress.profile))

    def on_end(self, problem: str) -> None:
        """See client.enrolment_queue.JobEvents."""
        self._steps.put_nowait(partial(self._end, self._job, problem))

    # --- one step after the other

    async def _work(self) -> None:
        while True:
            step = await self._steps.get()
            try:
                await step()
            except TakeRefused as error:
                await self._fail(str(error))
            except AvatarStoreError:
                logger.exception("the store of avatars refused")
                self._events.on_notice("Your renderer cannot store your head.")

    async def _take(self, event: TakeEvent) -> None:
        match event:
            case TakeBegin(kind):
                await self._drop()
                self._kept = None
                self._status = EnrolmentStatus()
                self._upload = await self._queue.storage.open(kind)
                self._tell(state="receiving")
            case bytes():
                self._backlog_bytes -= len(event)
                if self._upload is not None:
                    await self._upload.add(event)
                    self._tell(received=self._upload.received)
            case TakeEnd(total):
                if self._upload is not None:
                    await self._upload.finish(total)
                    upload, self._upload = self._upload, None
                    self._job = self._queue.submit(upload, self)
            case TakeLost():
                if self._upload is not None:
                    await self._fail("The connection was lost while the take was being sent.")

    async def _preview(self, job: Job | None, data: bytes, person: PersonProfile | None) -> None:
        if job is None or job is not self._job:
            return
        try:
            data, person = await self._own.stamp(data, person)
            avatar_id = await self._library.keep(data)
        except UNUSABLE:
            logger.exception("an enrolment made an avatar that cannot be used")
            return
        self._data, self._person = data, person
        if self._kept is not None:
            await self._keep()
        else:
            self._events.show_preview(avatar_id, person)
            self._tell(avatar_id=avatar_id)

    async def _end(self, job: Job | None, problem: str) -> None:
        if job is None or job is not self._job:
            return
        self._job = None
        if self._data is None:
            await self._fail(problem or "No head came of this take. Please try again.")
        else:
            self._tell(state="done", share=1.0, eta_s=None, text=problem or self._status.text)

    async def _keep(self) -> None:
        """What is better later on takes its place, unless somebody begins anew."""
        if self._data is None:
            return
        before = self._kept
        self._kept, key = await self._own.keep(self._data, self._person)
        if before == self._kept:
            return
        self._events.say(mine_text(self._kept, key, here=True, kept=True, replaces=before))
        self._tell(avatar_id=self._kept)

    async def _cancel(self) -> None:
        await self._drop()
        self._status = EnrolmentStatus()
        self._news.set()

    async def _fail(self, text: str) -> None:
        await self._drop()
        self._status = EnrolmentStatus(state="failed", text=text)
        self._news.set()

    async def _drop(self) -> None:
        """Lets go of take, job and preview."""
        upload, self._upload = self._upload, None
        job, self._job = self._job, None
        showed, self._data = self._data is not None, None
        if upload is not None:
            await upload.discard()
        if job is not None:
            await self._queue.cancel(job)
        if showed and self._kept is None:
            self._events.show_preview(None)

    async def _look_for(self, avatar_id: str, key: str) -> None:
        self._events.say(mine_text(avatar_id, key, here=await self._own.has(avatar_id, key)))

    async def _forget(self, avatar_id: str, key: str) -> None:
        if await self._own.forget(avatar_id, key):
            self._library.drop(avatar_id)
        self._events.say(mine_text(avatar_id, key, here=False))

    # --- what the page is told

    def _tell(self, **changes: object) -> None:
        for name, value in changes.items():
            setattr(self._status, name, value)
        self._news.set()

    async def _report(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            text = self._status.to_text()
            if text != self._said:
                if self._events.say(text):
                    self._said = text
                else:
                    self._news.set()
            if self._watch is not None:
                report = self._watch.report()
                self._events.say(coverage_text(report.shares, report.missing, report.hints))
                self._news.set()
            await asyncio.sleep(SAY_EVERY_S)
