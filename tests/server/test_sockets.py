import asyncio

from codec.signaling import Leave
from server.sockets import CLOSE_STALLED, QUEUE_SIZE, QueuedSocket


class FakeWebSocket:
    def __init__(self, *, broken: bool = False) -> None:
        self.written: list[object] = []
        self.broken = broken

    async def send_str(self, text: str) -> None:
        if self.broken:
            raise ConnectionResetError
        self.written.append(text)

    async def close(self, code: int, message: bytes) -> None:
        self.written.append((code, message))


async def test_what_is_queued_goes_out_before_the_close_and_nothing_after():
    websocket = FakeWebSocket()
    socket = QueuedSocket(websocket)
    socket.send(Leave())
    socket.close(1000, "left")
    socket.close(1008, "late")
    socket.send(Leave())
    await socket.run()
    assert websocket.written == ['{"type":"leave"}', (1000, b"left")]


async def test_a_socket_that_nobody_reads_is_closed_and_its_queue_given_up():
    websocket = FakeWebSocket()
    socket = QueuedSocket(websocket)
    for _ in range(QUEUE_SIZE + 2):
        socket.send(Leave())
    assert socket.stalled
    await socket.run()
    assert websocket.written == [(CLOSE_STALLED, b"nothing was read for too long")]


async def test_a_broken_connection_ends_the_writer_quietly():
    socket = QueuedSocket(FakeWebSocket(broken=True))
    socket.send(Leave())
    async with asyncio.timeout(20):
        await socket.run()
