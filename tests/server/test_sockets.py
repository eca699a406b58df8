import asyncio

from codec.signaling import Leave, Notice
from server.sockets import CLOSE_STALLED, MAX_QUEUED_BYTES, QUEUE_SIZE, QueuedSocket


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


async def test_a_few_long_messages_fill_a_queue_as_many_short_ones_do():
    websocket = FakeWebSocket()
    socket = QueuedSocket(websocket)
    message = Notice("\N{SNOWMAN}" * 20_000)
    size = len(message.to_json().encode())
    for _ in range(MAX_QUEUED_BYTES // size):
        socket.send(message)
    assert not socket.stalled
    socket.send(message)
    assert socket.stalled
    await socket.run()
    assert websocket.written == [(CLOSE_STALLED, b"nothing was read for too long")]


async def test_what_was_written_makes_room_again():
    websocket = FakeWebSocket()
    socket = QueuedSocket(websocket)
    message = Notice("x" * (MAX_QUEUED_BYTES // 2))
    writer = asyncio.create_task(socket.run())  # noqa: TID251
    async with asyncio.timeout(20):
        for count in range(1, 5):
            socket.send(message)
            while len(websocket.written) < count:  # noqa: ASYNC110 - a fake has no event
                await asyncio.sleep(0)
        assert not socket.stalled
        socket.close(1000, "left")
        await writer


async def test_a_broken_connection_ends_the_writer_quietly():
    socket = QueuedSocket(FakeWebSocket(broken=True))
    socket.send(Leave())
    async with asyncio.timeout(20):
        await socket.run()
