"""Ending in good order when the process is told to."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator


@contextlib.asynccontextmanager
async def stopped_by_signals() -> AsyncIterator[None]:
    """Leaves the block, through its clean-up, when SIGINT or SIGTERM comes, as if its work were done."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None
    stopped = False

    def stop() -> None:
        nonlocal stopped
        if not stopped:
            stopped = True
            task.cancel()

    installed: list[signal.Signals] = []
    for name in (signal.SIGINT, signal.SIGTERM):
        # Not in the main thread, or not on this platform: whoever runs us cancels us.
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(name, stop)
            installed.append(name)
    try:
        yield
    except asyncio.CancelledError:
        if not stopped:
            raise
        task.uncancel()
    finally:
        for name in installed:
            loop.remove_signal_handler(name)
