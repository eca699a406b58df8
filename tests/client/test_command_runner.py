from __future__ import annotations

import asyncio

import pytest

from client.command_runner import MAX_QUEUED_COMMANDS, CommandRunner
from client.negotiation import AskForSession, Command, MakeAnswer, MakeOffer, Negotiator
from client.tasks import TaskOwner
from codec.signaling import SessionDescription, SignalData
from tests.support.fakes import Happening


def offer(session: int) -> SignalData:
    return SignalData("face", session, description=SessionDescription("offer", "sdp"))


async def test_whatever_an_attempt_raises_the_next_one_is_made(caplog: pytest.LogCaptureFixture) -> None:
    executed = Happening()

    async def execute(command: Command) -> None:
        executed.add(command)
        if len(executed.items) == 1:
            raise AttributeError("a bug in a library")

    negotiator = Negotiator(offers=True, first_session=1, now=0.0)
    runner = CommandRunner("link", negotiator, execute)
    tasks = TaskOwner("test")
    tasks.start(runner.run(), "run")
    runner.enqueue(negotiator.start(0.0))
    await executed.until(bool)
    await asyncio.sleep(0)
    assert "a bug in a library" in caplog.text
    runner.enqueue(negotiator.tick(float("inf")))  # the failed attempt is over for the negotiator too
    assert await executed.until(lambda items: len(items) == 2) == [MakeOffer(1), MakeOffer(2)]
    await tasks.aclose()


async def test_a_flood_ends_in_a_failed_attempt() -> None:
    async def execute(command: Command) -> None:
        raise AssertionError

    negotiator = Negotiator(offers=False, first_session=0, now=0.0)
    runner = CommandRunner("link", negotiator, execute)
    for session in range(1, MAX_QUEUED_COMMANDS + 1):
        (command,) = negotiator.receive(offer(session), 0.0)
        assert isinstance(command, MakeAnswer)
        runner.enqueue([command])
    assert negotiator.tick(float("inf")) == []
    runner.enqueue(negotiator.receive(offer(1000), 0.0))
    assert negotiator.tick(float("inf")) == [AskForSession(1000)]
