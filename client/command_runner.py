"""Executes a negotiator's commands one after another; whatever goes wrong fails that attempt and nothing else."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from client.clock import monotonic_s
from client.negotiation import Command, MakeAnswer, MakeOffer, Negotiator

logger = logging.getLogger(__name__)

MAX_QUEUED_COMMANDS = 64

EXECUTE_TIMEOUT_S = 20.0
"""Longer than any command takes; one that hangs must not hold up the attempts after it for ever."""


class CommandRunner:
    """See the module.

    Args:
        name: of the connection, for the log.
        negotiator: learns how the attempts went.
        execute: does what one command says.
    """

    def __init__(self, name: str, negotiator: Negotiator, execute: Callable[[Command], Awaitable[None]]) -> None:
        self._name = name
        self._negotiator = negotiator
        self._execute = execute
        self._commands: asyncio.Queue[Command] = asyncio.Queue(MAX_QUEUED_COMMANDS)

    def enqueue(self, commands: Sequence[Command]) -> None:
        """Commands to execute next; dropped, and the attempt given up, when too many wait."""
        for command in commands:
            if self._commands.full():
                logger.warning("%s: flooded with signals", self._name)
                self._done(command, failed=True)
                return
            self._commands.put_nowait(command)

    async def run(self) -> None:
        """Executes until cancelled."""
        while True:
            command = await self._commands.get()
            failed = False
            try:
                async with asyncio.timeout(EXECUTE_TIMEOUT_S):
                    await self._execute(command)
            except (ValueError, ConnectionError, OSError) as error:
                logger.warning("%s: attempt failed: %s", self._name, error or type(error).__name__)
                failed = True
            except Exception:
                # aiortc raises what it likes; this loop is the only way to a next attempt.
                logger.exception("%s: attempt failed", self._name)
                failed = True
            self._done(command, failed)

    def _done(self, command: Command, failed: bool) -> None:
        if command.session != self._negotiator.session:
            return
        if isinstance(command, MakeOffer | MakeAnswer):
            self._negotiator.progress(monotonic_s())
        if failed:
            self._negotiator.failed()
