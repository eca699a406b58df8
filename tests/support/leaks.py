"""Fixtures that fail a test which leaves asyncio tasks behind or blocks the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from blockbuster import blockbuster_ctx


@pytest.fixture(autouse=True)
async def no_leaked_tasks() -> AsyncIterator[None]:
    """Fails when a task that the test started is still running after it."""
    before = asyncio.all_tasks()
    yield
    leaked = [task for task in asyncio.all_tasks() - before if task is not asyncio.current_task() and not task.done()]
    for task in leaked:
        task.cancel()
    await asyncio.gather(*leaked, return_exceptions=True)
    assert not leaked, f"leaked tasks: {[task.get_name() for task in leaked]}"


@pytest.fixture(autouse=True)
def no_blocking_calls(request: pytest.FixtureRequest) -> Iterator[None]:
    """Raises BlockingError where our own code blocks the event loop."""
    with blockbuster_ctx(scanned_modules=["server", "client"]):
        yield
