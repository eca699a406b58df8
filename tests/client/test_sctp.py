"""What is changed in aiortc's SCTP, on real associations: these tests fail when its inner parts change."""

from __future__ import annotations

import asyncio
import base64
import struct
from typing import cast

import pytest
from aiortc import RTCDataChannel, RTCDataChannelParameters, RTCSctpTransport
from aiortc.rtcsctptransport import CookieEchoChunk, DataChunk, InitAckChunk, InitChunk, parse_packet
from hypothesis import given
from hypothesis import strategies as st

from client import aiortc_setup, sctp_early_open, sctp_init, sctp_window
from client.delivery_window import DeliveryWindow
from tests.support.sctp_pair import random_loss, sctp_pair, until

aiortc_setup.install()


def channel(transport: RTCSctpTransport, label: str, **options) -> RTCDataChannel:
    return RTCDataChannel(transport, RTCDataChannelParameters(label=label, **options))


def face(transport: RTCSctpTransport) -> RTCDataChannel:
    return channel(transport, "face", ordered=False, maxRetransmits=0)


def data_chunks(packets: list[bytes]) -> list[DataChunk]:
    return [chunk for packet in packets for chunk in parse_packet(packet)[3] if isinstance(chunk, DataChunk)]


def collect(transport: RTCSctpTransport, into: list[tuple[str, bytes]]) -> None:
    def adopt(opened: RTCDataChannel) -> None:
        opened.on("message", lambda message: into.append((opened.label, message)))

    transport.on("datachannel", adopt)


async def test_ordered_channels_open_without_waiting_for_the_other_side_and_lose_nothing() -> None:
    silent = [False]
    async with sctp_pair(lambda data: silent[0]) as (one, other):
        received: list[tuple[str, bytes]] = []
        collect(other, received)
        await until(lambda: one.state == other.state == "connected")
        silent[0] = True
        control, faces = channel(one, "control"), face(one)
        await until(lambda: control.readyState == "open")
        control.send(b"first")
        assert faces.readyState == "connecting"
        silent[0] = False  # both are lost, and repeated in their order
        await until(lambda: received == [("control", b"first")])
        await until(lambda: faces.readyState == "open")


async def test_a_channel_does_not_open_before_the_association_does() -> None:
    async with sctp_pair(lambda data: True) as (one, _):
        control = channel(one, "control")
        await asyncio.sleep(0)
        assert control.readyState == "connecting"


async def test_all_of_an_avatar_arrives_in_order_over_a_bad_line_and_little_is_sent_twice() -> None:
    async with sctp_pair(random_loss(0.1), 0.01) as (one, other):
        received: list[tuple[str, bytes]] = []
        collect(other, received)
        avatar = channel(one, "avatar")
        await until(lambda: avatar.readyState == "open")
        wanted = [index.to_bytes(2) * 500 for index in range(200)]
        for message in wanted:
            avatar.send(message)
        await until(lambda: len(received) == len(wanted), 30)
        assert [message for _, message in received] == wanted
        tsns = [chunk.tsn for chunk in data_chunks(one.transport.sent)]
        assert len(tsns) < 1.3 * len(set(tsns))  # a tenth is lost, and so is a tenth of what is repeated


async def test_faces_and_control_pass_an_avatar_that_waits() -> None:
    async with sctp_pair() as (one, other):
        received: list[tuple[str, bytes]] = []
        collect(other, received)
        avatar, control, faces = channel(one, "avatar"), channel(one, "control"), face(one)
        await until(lambda: faces.readyState == "open")
        for number in range(100):
            avatar.send(bytes([number]) * 1000)
        control.send(b"one")
        faces.send(b"face")
        control.send(b"two")
        await until(lambda: len(received) == 103)
        order = [label for label, _ in received]
        assert max(order.index("face"), len(order) - 1 - order[::-1].index("control")) < 20
        assert [message for label, message in received if label == "control"] == [b"one", b"two"]
        assert [message[0] for label, message in received if label == "avatar"] == list(range(100))


async def test_the_window_is_ours() -> None:
    async with sctp_pair() as (one, _):
        avatar = channel(one, "avatar")
        await until(lambda: avatar.readyState == "open")
        for _ in range(100):
            avatar.send(bytes(1000))
        await until(lambda: not one._outbound_queue and not one._sent_queue)
        window = one.__dict__["_delivery"]
        assert isinstance(window, DeliveryWindow)
        assert window.rate > 0
        assert one._cwnd <= window.size


def handshakes(transport: RTCSctpTransport) -> int:
    chunks = [chunk for packet in transport.transport.sent for chunk in parse_packet(packet)[3]]
    return sum(isinstance(chunk, InitChunk | InitAckChunk | CookieEchoChunk) for chunk in chunks)


async def test_associations_begin_with_what_the_descriptions_say() -> None:
    def exchange(one: RTCSctpTransport, other: RTCSctpTransport) -> None:
        lines = [sctp_init.line_of(each) for each in (one, other)]
        assert sctp_init.take(one, "v=0\r\n" + lines[1])
        assert sctp_init.take(other, "v=0\r\n" + lines[0] + "a=x\r\n")

    async with sctp_pair(prepare=exchange) as (one, other):
        received: list[tuple[str, bytes]] = []
        collect(other, received)
        control, faces = channel(one, "control"), face(one)
        await until(lambda: control.readyState == faces.readyState == "open")
        control.send(b"x" * 50_000)
        faces.send(b"face")
        await until(lambda: len(received) == 2)
        assert handshakes(one) == handshakes(other) == 0
        assert one._remote_partial_reliability
        control.close()
        await until(lambda: control.readyState == "closed")


async def test_without_them_they_greet_each_other() -> None:
    async with sctp_pair() as (one, other):
        await until(lambda: one.state == other.state == "connected")
        assert handshakes(one) > 0


GOOD = base64.b64encode(struct.pack("!LLHHL", 5, 1 << 20, 10, 10, 7)).decode()


@pytest.mark.parametrize(
    "sdp",
    [
        "",
        "a=sctp-init:\r\n",
        "a=sctp-init:AAAA\r\n",
        "a=sctp-init:A\r\n",
        f"a=sctp-init:{'A' * 404}\r\n",
        f"a=sctp-init:{GOOD}\r\na=sctp-init:{GOOD}\r\n",
        f"a=sctp-init:{base64.b64encode(struct.pack('!LLHHL', 0, 1, 1, 1, 1)).decode()}\r\n",
        f"a=sctp-init:{base64.b64encode(struct.pack('!LLHHL', 1, 1, 0, 1, 1)).decode()}\r\n",
    ],
)
async def test_lines_that_are_of_no_use_are_passed_over(sdp: str) -> None:
    async with sctp_pair() as (one, _):
        assert not sctp_init.take(one, sdp)
        assert "_taken_init" not in one.__dict__


@given(st.binary(max_size=200))
def test_any_init_is_taken_or_passed_over(content: bytes) -> None:
    class Nothing:
        pass

    line = f"a=sctp-init:{base64.b64encode(content).decode()}\r\n"
    sctp_init.take(cast(RTCSctpTransport, Nothing()), line)


@pytest.mark.parametrize("module", [sctp_window, sctp_early_open, sctp_init])
def test_nothing_is_changed_twice(module) -> None:
    before = dict(vars(RTCSctpTransport))
    module.install()
    assert dict(vars(RTCSctpTransport)) == before
