import asyncio

import pytest

from client.tasks import TaskOwner


async def test_closing_cancels_and_awaits() -> None:
    cleaned = []
    begun = asyncio.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned.append(True)

    owner = TaskOwner("owner")
    task = owner.start(work(), "work")
    await begun.wait()
    await owner.aclose()
    assert cleaned == [True]
    assert task.cancelled()
    assert len(owner) == 0
    assert task.get_name() == "owner.work"


async def test_errors_reach_the_owner_and_the_others_go_on() -> None:
    errors: list[Exception] = []
    owner = TaskOwner("owner", errors.append)

    async def fail() -> None:
        raise OSError("disk")

    async def last() -> str:
        return "done"

    failing = owner.start(fail(), "fail")
    await asyncio.wait([failing])
    assert await owner.start(last(), "last") == "done"
    await owner.aclose()
    assert [str(error) for error in errors] == ["disk"]


async def test_a_task_may_close_its_own_owner() -> None:
    owner = TaskOwner("owner")
    await owner.start(owner.aclose(), "close")


async def test_nothing_starts_after_the_end() -> None:
    owner = TaskOwner("owner")
    await owner.aclose()
    with pytest.raises(RuntimeError):
        owner.start(asyncio.sleep(0), "late")


async def test_draining_lets_tasks_end_by_themselves() -> None:
    cleaned = []

    async def clean_up() -> None:
        await asyncio.sleep(0)
        cleaned.append(True)

    owner = TaskOwner("owner")
    owner.start(clean_up(), "clean-up")
    await owner.drain()
    assert cleaned == [True]
    await owner.drain()
