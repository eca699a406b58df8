"""Tasks with an owner: named, never lost, cancelled and awaited together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

logger = logging.getLogger(__name__)


T = TypeVar("T")


async def complete(coroutine: Coroutine[Any, Any, T], grace_s: float = 6.0) -> T:
    """Runs a step that must not be torn apart (it would leak a socket): a cancellation waits until it is through."""
    task = asyncio.get_running_loop().create_task(coroutine)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task], timeout=grace_s)
        if task.done() and not task.cancelled():
            task.exception()  # seen, so that asyncio does not report it as lost
        else:
            task.cancel()
        raise


def settle(outcome: asyncio.Future[None], error: Exception | None) -> None:
    """Says how something has ended, unless that was said before."""
    if outcome.done():
        return
    if error is None:
        outcome.set_result(None)
    else:
        outcome.set_exception(error)


class TaskOwner:
    """Owns the tasks of one part of the client.

    Unlike asyncio.TaskGroup it is not bound to a `with` block, and one task's failure does not cancel the others: the
    owner decides in `on_error`.

    Args:
        name: prefix of the task names.
        on_error: called with the exception of a task that failed; without it the exception is logged.
    """

    def __init__(self, name: str, on_error: Callable[[Exception], None] | None = None) -> None:
        self._name = name
        self._on_error = on_error
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closed = False

    def start(self, coroutine: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Runs `coroutine` as the task `<owner>.<name>`.

        Raises:
            RuntimeError: the owner has been closed.
        """
        if self._closed:
            coroutine.close()
            raise RuntimeError(f"{self._name} has been closed")
        task = asyncio.get_running_loop().create_task(coroutine, name=f"{self._name}.{name}")
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            return
        if self._on_error is not None and isinstance(error, Exception):
            self._on_error(error)
        else:
            logger.error("task %s failed", task.get_name(), exc_info=error)

    async def drain(self) -> None:
        """Waits until every task has ended by itself: for clean-up that a cancellation would leave half done."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def aclose(self) -> None:
        """Cancels every task and waits until all have ended. The calling task, if it is one of ours, goes on."""
        self._closed = True
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            if not task.cancelling():  # a second cancellation would interrupt its clean-up
                task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def __len__(self) -> int:
        return len(self._tasks)
