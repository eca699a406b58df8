"""Two SCTP associations of aiortc with a bad line instead of DTLS between them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

from aiortc import RTCSctpTransport


class Line:
    """What RTCSctpTransport needs of a DTLS transport; one direction of a line.

    Args:
        role: `client` or `server`.
        drops: asked for each packet whether to lose it.
        delay_s: on the way.
    """

    state = "connected"

    def __init__(self, role: str, drops: Callable[[bytes], bool], delay_s: float) -> None:
        self._role = role
        self._drops = drops
        self._delay_s = delay_s
        self._receiver: Any = None
        self._arriving: asyncio.Queue[bytes] = asyncio.Queue()
        self.other: Line | None = None
        self.sent: list[bytes] = []

    def _register_data_receiver(self, receiver: Any) -> None:
        self._receiver = receiver

    def _unregister_data_receiver(self, receiver: Any) -> None:
        self._receiver = None

    async def _send_data(self, data: bytes) -> None:
        self.sent.append(data)
        assert self.other is not None
        if not self._drops(data):
            asyncio.get_running_loop().call_later(self._delay_s, self.other._arriving.put_nowait, data)

    async def run(self) -> None:
        while True:
            data = await self._arriving.get()
            if self._receiver is not None:
                await self._receiver._handle_data(data)


def random_loss(share: float, seed: int = 1) -> Callable[[bytes], bool]:
    """Loses this share of the packets."""
    dice = random.Random(seed)
    return lambda data: dice.random() < share


@asynccontextmanager
async def sctp_pair(
    drops: Callable[[bytes], bool] = lambda data: False,
    delay_s: float = 0.002,
    prepare: Callable[[RTCSctpTransport, RTCSctpTransport], None] = lambda one, other: None,
) -> AsyncIterator[tuple[RTCSctpTransport, RTCSctpTransport]]:
    """The DTLS client's and the server's association, begun; `drops` is asked in both directions, and
    `prepare` called with both before they start.
    """
    lines = Line("client", drops, delay_s), Line("server", drops, delay_s)
    lines[0].other, lines[1].other = lines[1], lines[0]
    transports = tuple(RTCSctpTransport(cast(Any, line)) for line in lines)
    async with asyncio.TaskGroup() as group:
        running = [group.create_task(line.run()) for line in lines]
        try:
            prepare(transports[0], transports[1])
            for transport in transports:
                await transport.start(None, 5000)
            yield transports[0], transports[1]
        finally:
            for transport in transports:
                await transport.stop()
            for task in running:
                task.cancel()


async def until(condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
    """Waits until the condition holds."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - aiortc has no event for it
            await asyncio.sleep(0.001)
