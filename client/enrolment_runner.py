"""Enrolment in a process of its own at the lowest priority, so that nobody's call suffers.

The process (client.enrolment_worker) writes one JSON object a line to its standard output and ends when its standard
input does: it does not outlive us.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import math
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from client.enrolment_queue import EnrolmentFailed, Progress
from client.tasks import complete
from codec.avatar_file import MAX_AVATAR_BYTES
from tracker.profile import PersonProfile, ProfileError

logger = logging.getLogger(__name__)

MAX_LINE_BYTES = 1 << 16
END_TIMEOUT_S = 5.0
BUDGET_S = 90.0
"""For somebody who waits in front of the page."""

STOPPED = "The making of your head stopped unexpectedly. Please try again."


class SubprocessRunner:
    """See the module.

    Args:
        budget_s: time for the whole enrolment.
        command: what to run instead; the clip's path is added.
    """

    def __init__(self, budget_s: float = BUDGET_S, command: Sequence[str] = ()) -> None:
        default = (sys.executable, "-P", "-m", "client.enrolment_worker", f"--budget={budget_s:g}")
        self._command = tuple(command) or default

    async def run(self, clip: Path, on_progress: Callable[[Progress], None]) -> None:
        """See client.enrolment_queue.EnrolmentRunner."""
        process = await asyncio.create_subprocess_exec(
            *self._command,
            str(clip),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=MAX_LINE_BYTES,
            start_new_session=True,
        )
        try:
            await self._follow(process, clip.parent, on_progress)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(END_TIMEOUT_S):
                    await process.wait()
        finally:
            await complete(_end(process))

    async def _follow(
        self, process: asyncio.subprocess.Process, folder: Path, on_progress: Callable[[Progress], None]
    ) -> None:
        assert process.stdout is not None
        ended = False
        while line := await process.stdout.readline():
            try:
                message = json.loads(line)
            except ValueError:
                continue  # some library's idea of a good place for a remark
            if not isinstance(message, dict):
                continue
            if isinstance(message.get("problem"), str):
                raise EnrolmentFailed(message["problem"])
            ended |= message.get("ended") is True
            if isinstance(message.get("stage"), str):
                on_progress(await asyncio.to_thread(_progress, message, folder))
        if not ended:
            logger.error("an enrolment process ended early: status=%s", await process.wait())
            raise EnrolmentFailed(STOPPED)


def _progress(message: dict[str, Any], folder: Path) -> Progress:
    avatar = message.get("avatar")
    path = folder / Path(avatar).name if isinstance(avatar, str) else None
    return Progress(
        message["stage"],
        min(max(_number(message, "share") or 0.0, 0.0), 1.0),
        _number(message, "eta_s"),
        _number(message, "psnr_db"),
        path and _read(path),
        str(message.get("warning") or ""),
        path and _profile(path.with_suffix(".profile")),
    )


def _number(message: dict[str, Any], key: str) -> float | None:
    value = message.get(key)
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _profile(path: Path) -> PersonProfile | None:
    try:
        return PersonProfile.load(path)
    except ProfileError:
        return None


def _read(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_AVATAR_BYTES + 1)
    except OSError:
        return None
    return data if len(data) <= MAX_AVATAR_BYTES else None


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ends it now, with all that it has started: nothing of it is worth waiting for."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    assert process.stdin is not None
    process.stdin.close()
    await process.wait()
