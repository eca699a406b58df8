"""Enrolments wait in line: one at a time in this process, in the order in which their takes arrived."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from client.enrolment_upload import TakeStorage, TakeUpload
from client.errors import ClientError
from client.tasks import TaskOwner
from tracker.profile import PersonProfile

logger = logging.getLogger(__name__)


class EnrolmentFailed(ClientError):
    """No avatar came of the take; the message is one sentence for the person."""


@dataclass(frozen=True)
class Progress:
    """How far an enrolment is.

    Args:
        stage: short name of what is being done.
        share: of the whole that is done, 0..1.
        eta_s: seconds to its end; None: not known yet.
        psnr_db: of pictures that it has not learned from, so far; None: not measured yet.
        avatar: file of a new, better avatar; None: nothing new.
        warning: a sentence about the take for the person, or empty.
        profile: what is known of the person to whom `avatar` belongs (tracker.profile), if anything.
    """

    stage: str
    share: float
    eta_s: float | None = None
    psnr_db: float | None = None
    avatar: bytes | None = None
    warning: str = ""
    profile: PersonProfile | None = None


class EnrolmentRunner(Protocol):
    """Does the work of one enrolment."""

    async def run(self, clip: Path, on_progress: Callable[[Progress], None]) -> None:
        """Returns when the last avatar has been reported; a cancellation ends the work.

        Raises:
            EnrolmentFailed: see there.
        """
        ...


class JobEvents(Protocol):
    """Whoever waits for a job; called in the event loop."""

    def on_position(self, ahead: int) -> None:
        """How many jobs come first; 0: this one is in work."""
        ...

    def on_progress(self, progress: Progress) -> None:
        """Something was done."""
        ...

    def on_end(self, problem: str) -> None:
        """It is over; `problem` is a sentence for the person, empty if all went well. Not called after `cancel`."""
        ...


class Job:
    """A place in the line; EnrolmentQueue makes it."""

    def __init__(self, take: TakeUpload, events: JobEvents) -> None:
        self.take = take
        self.events = events
        self.ahead = -1
        self.task: asyncio.Task[None] | None = None


class EnrolmentQueue:
    """See the module.

    Args:
        runner: does the work.
        storage: of the takes.
    """

    def __init__(self, runner: EnrolmentRunner, storage: TakeStorage) -> None:
        self.storage = storage
        self._runner = runner
        self._turn = asyncio.Lock()  # wakes those who wait in the order in which they came
        self._jobs: list[Job] = []
        self._tasks = TaskOwner("enrolment")

    def submit(self, take: TakeUpload, events: JobEvents) -> Job:
        """Queues a complete take, which belongs to the job from now on."""
        job = Job(take, events)
        self._jobs.append(job)
        job.task = self._tasks.start(self._run(job), "job")
        self._tell_positions()
        return job

    async def cancel(self, job: Job) -> None:
        """Takes a job out of the line or ends its work; returns when its take is gone."""
        if job.task is not None and not job.task.done():
            job.task.cancel()
            await asyncio.wait([job.task])
        await self._leave(job)  # a task that is cancelled before it begins does not even clean up

    async def aclose(self) -> None:
        """Ends everything."""
        await self._tasks.aclose()
        for job in list(self._jobs):
            await self._leave(job)

    async def _run(self, job: Job) -> None:
        problem = ""
        try:
            async with self._turn:
                await self._runner.run(job.take.path, job.events.on_progress)
        except EnrolmentFailed as error:
            problem = str(error)
        except Exception:
            logger.exception("an enrolment failed")
            problem = "Something went wrong while your head was being made. Please try again."
        finally:
            await self._leave(job)
        job.events.on_end(problem)

    async def _leave(self, job: Job) -> None:
        if job in self._jobs:
            self._jobs.remove(job)
            self._tell_positions()
        await job.take.discard()

    def _tell_positions(self) -> None:
        for ahead, job in enumerate(self._jobs):
            if job.ahead != ahead:
                job.ahead = ahead
                job.events.on_position(ahead)
