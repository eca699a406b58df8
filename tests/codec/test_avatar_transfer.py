from __future__ import annotations

import hashlib
import struct
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codec.avatar_file import MAX_AVATAR_BYTES
from codec.avatar_transfer import AvatarReceiver, AvatarSender
from codec.errors import AvatarTransferError

DATA = bytes(range(256)) * 20
ID = hashlib.sha256(DATA).hexdigest()


def messages(data: bytes = DATA, chunk: int = 1100, offset: int = 0) -> list[bytes]:
    sender = AvatarSender(data, chunk, offset)
    result = []
    while (message := sender.next_message()) is not None:
        result.append(message)
    assert sender.done
    assert sender.progress == 1
    return result


@given(st.binary(min_size=1, max_size=4000), st.integers(100, 1500), st.integers(0, 1 << 30))
def test_a_file_arrives_across_interruptions(data: bytes, chunk: int, seed: int) -> None:
    random = Random(seed)
    receiver = AvatarReceiver(hashlib.sha256(data).hexdigest(), len(data))
    received = None
    while received is None:
        pieces = messages(data, chunk, random.randint(0, receiver.offset))
        for message in pieces[: random.randint(1, len(pieces))]:
            assert received is None
            received = receiver.receive(message)
            assert receiver.progress == receiver.offset / len(data)
    assert received == data


def test_messages_have_the_documented_layout() -> None:
    first, second, *_ = messages()
    assert first == struct.pack("<II", 0, len(DATA)) + DATA[:1100]
    assert second[:8] == struct.pack("<II", 1100, len(DATA))


def test_repeated_pieces_are_skipped_and_the_file_is_handed_out_once() -> None:
    receiver = AvatarReceiver(ID, len(DATA))
    pieces = messages()
    results = [receiver.receive(piece) for piece in (*pieces[:2], pieces[0], *pieces[1:], pieces[-1])]
    assert [result for result in results if result is not None] == [DATA]


@pytest.mark.parametrize(
    "message",
    [
        b"",
        struct.pack("<II", 0, len(DATA)),
        struct.pack("<II", 0, len(DATA) + 1) + b"x",
        struct.pack("<II", 5, len(DATA)) + b"x",
        struct.pack("<II", 0, len(DATA)) + DATA + b"x",
    ],
    ids=["empty", "no bytes", "another size", "after a gap", "beyond the end"],
)
def test_pieces_that_do_not_fit_are_dropped_and_counted(message: bytes) -> None:
    receiver = AvatarReceiver(ID, len(DATA))
    assert receiver.receive(message) is None
    assert (receiver.offset, receiver.dropped) == (0, 1)
    assert [receiver.receive(piece) for piece in messages()][-1] == DATA == receiver.complete


def test_another_file_is_refused_and_the_transfer_can_start_over() -> None:
    receiver = AvatarReceiver(ID, len(DATA))
    *rest, last = messages()
    for message in rest:
        receiver.receive(message)
    with pytest.raises(AvatarTransferError, match="not the one"):
        receiver.receive(last[:-1] + b"?")
    assert receiver.offset == 0
    assert [receiver.receive(message) for message in messages()][-1] == DATA


@pytest.mark.parametrize("size", [0, -1, 4 * 1024 * 1024 + 1, 1 << 30])
def test_absurd_announcements_are_refused(size: int) -> None:
    with pytest.raises(AvatarTransferError, match="announces"):
        AvatarReceiver(ID, size)


@pytest.mark.parametrize("offset", [-1, len(DATA) + 1])
def test_a_sender_refuses_offsets_outside_the_file(offset: int) -> None:
    with pytest.raises(AvatarTransferError, match="asks for byte"):
        AvatarSender(DATA, offset=offset)


def test_a_size_may_be_announced_after_the_first_pieces() -> None:
    receiver = AvatarReceiver(ID, None)
    pieces = messages()
    receiver.receive(pieces[0])
    assert receiver.announced(len(DATA))
    assert not receiver.announced(len(DATA) + 1)
    assert [data for piece in pieces[1:] if (data := receiver.receive(piece)) is not None] == [DATA]


def test_a_first_piece_of_an_absurd_size_is_dropped() -> None:
    receiver = AvatarReceiver(ID, None)
    assert receiver.receive(struct.pack("<II", 0, MAX_AVATAR_BYTES + 1) + b"x") is None
    assert (receiver.dropped, receiver.offset) == (1, 0)
