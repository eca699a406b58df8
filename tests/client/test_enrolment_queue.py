from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from client.enrolment_queue import EnrolmentFailed, EnrolmentQueue, Job, Progress
from client.enrolment_runner import SubprocessRunner
from client.enrolment_upload import TakeStorage
from tests.support.fakes import Happening


def is_empty(folder: Path) -> bool:
    return list(folder.iterdir()) == []


def runs(pid: str) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().split(")")[1].split()[0] != "Z"


class Gate:
    """A runner that waits for the test before each end."""

    def __init__(self) -> None:
        self.begun = Happening()
        self.gates: list[asyncio.Event] = []
        self.error: Exception | None = None

    async def run(self, clip: Path, on_progress: Callable[[Progress], None]) -> None:
        gate = asyncio.Event()
        self.gates.append(gate)
        self.begun.add(clip)
        on_progress(Progress("working", 0.5))
        await gate.wait()
        if self.error is not None:
            raise self.error


class Waiting:
    """Somebody who waits for a job."""

    def __init__(self) -> None:
        self.heard = Happening()

    def on_position(self, ahead: int) -> None:
        self.heard.add(ahead)

    def on_progress(self, progress: Progress) -> None:
        self.heard.add(progress.stage)

    def on_end(self, problem: str) -> None:
        self.heard.add(("end", problem))


async def submit(queue: EnrolmentQueue) -> tuple[Waiting, Job]:
    take = await queue.storage.open("video/webm")
    await take.add(b"x")
    await take.finish(1)
    waiting = Waiting()
    return waiting, queue.submit(take, waiting)


async def test_one_at_a_time_in_the_order_of_arrival(tmp_path: Path) -> None:
    runner = Gate()
    queue = EnrolmentQueue(runner, TakeStorage(tmp_path))
    (first, _), (second, leaving), (third, _) = [await submit(queue) for _ in range(3)]
    await runner.begun.until(lambda items: len(items) == 1)
    assert third.heard.items == [2]
    await queue.cancel(leaving)
    assert second.heard.items == [1]
    assert third.heard.items == [2, 1]
    runner.gates[0].set()
    await third.heard.until(lambda items: items == [2, 1, 0, "working"])
    await first.heard.until(lambda items: items == [0, "working", ("end", "")])
    runner.gates[1].set()
    await third.heard.until(lambda items: items[-1] == ("end", ""))
    assert is_empty(tmp_path)
    await queue.aclose()


async def test_failures_are_said_and_the_next_one_goes_on(tmp_path: Path) -> None:
    runner = Gate()
    queue = EnrolmentQueue(runner, TakeStorage(tmp_path))
    for error, words in ((EnrolmentFailed("No face."), "No face."), (RuntimeError("oops"), "went wrong")):
        runner.error = error
        waiting, _ = await submit(queue)
        await waiting.heard.until(lambda items: "working" in items)
        runner.gates[-1].set()
        await waiting.heard.until(lambda items: isinstance(items[-1], tuple))
        assert words in waiting.heard.items[-1][1]
    assert is_empty(tmp_path)
    await queue.aclose()


async def test_closing_ends_work_and_removes_takes(tmp_path: Path) -> None:
    runner = Gate()
    queue = EnrolmentQueue(runner, TakeStorage(tmp_path))
    waiting, _ = await submit(queue)
    await submit(queue)
    await runner.begun.until(bool)
    await queue.aclose()
    assert waiting.heard.items == [0, "working"]
    assert is_empty(tmp_path)


def script(text: str) -> SubprocessRunner:
    return SubprocessRunner(command=[sys.executable, "-c", "import sys, pathlib, time\n" + text])


async def run(runner: SubprocessRunner, clip: Path) -> list[Progress]:
    heard: list[Progress] = []
    await runner.run(clip, heard.append)
    return heard


async def test_a_process_reports_in_lines(tmp_path: Path) -> None:
    clip = tmp_path / "take.webm"
    (tmp_path / "avatar-1.vav").write_bytes(b"avatar")
    runner = script(
        """
print("some library says hello")
print('{"stage": "reading", "share": 0.25, "eta_s": 60, "psnr_db": NaN, "warning": "Dark."}')
print('{"stage": "training", "share": 7, "psnr_db": 30.5, "avatar": "../../avatar-1.vav"}')
print('[1]')
print('{"ended": true}')
"""
    )
    assert await run(runner, clip) == [
        Progress("reading", 0.25, 60.0, None, None, "Dark."),
        Progress("training", 1.0, None, 30.5, b"avatar"),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("""print('{"problem": "No face."}', flush=True); time.sleep(60)""", "No face"),
        ("sys.exit(3)", "stopped unexpectedly"),
        ("", "stopped unexpectedly"),
    ],
)
async def test_a_process_that_fails_is_one_sentence(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(EnrolmentFailed, match=words):
        await run(script(text), tmp_path / "take.webm")


async def test_a_cancelled_process_is_gone_with_its_children(tmp_path: Path) -> None:
    clip = tmp_path / "take.webm"
    runner = script(
        """
import subprocess
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print('{"stage": "%d"}' % child.pid, flush=True)
time.sleep(60)
"""
    )
    heard = Happening()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(runner.run(clip, heard.add))
        await heard.until(bool)
        task.cancel()
    while runs(heard.items[0].stage):  # noqa: ASYNC110 - the kernel takes its time
        await asyncio.sleep(0.01)


async def test_the_real_process_says_what_is_wrong_with_a_recording(tmp_path: Path) -> None:
    clip = tmp_path / "take.webm"
    await asyncio.to_thread(clip.write_bytes, b"not a video")
    with pytest.raises(EnrolmentFailed) as failure:
        await run(SubprocessRunner(), clip)
    assert "stopped unexpectedly" not in str(failure.value)
    assert str(tmp_path) not in str(failure.value)
