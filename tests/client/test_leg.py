from __future__ import annotations

import asyncio

import pytest
from aiortc import RTCPeerConnection

from client.leg import Leg
from tests.support.fake_page import GrayCamera


class Deaf:
    """Events that nobody listens to."""

    def on_leg_open(self) -> None: ...

    def on_ui(self, message) -> None: ...

    def on_camera_frame(self, frame, capture_ms) -> None: ...


async def offer(*kinds: str) -> str:
    page = RTCPeerConnection()
    page.createDataChannel("ui")
    for index, kind in enumerate(kinds):
        page.addTransceiver(GrayCamera(100) if index == 0 else kind, direction="recvonly" if index else "sendonly")
    await page.setLocalDescription(await page.createOffer())
    sdp = page.localDescription.sdp
    await page.close()
    return sdp


async def test_an_offer_of_anything_but_two_videos_is_refused() -> None:
    leg = Leg(lambda data: None, Deaf())
    for kinds in (("video",), ("video", "video", "audio"), ("video", "video", "video")):
        with pytest.raises(ValueError, match="cannot be used"):
            await leg._answer(1, await offer(*kinds))
        assert leg._pc is None
    await leg.aclose()


async def test_the_camera_of_a_replaced_connection_is_let_go() -> None:
    leg = Leg(lambda data: None, Deaf())
    cameras = []
    for session in (1, 2):
        await leg._answer(session, await offer("video", "video"))
        cameras.append(leg._camera)
    first, second = cameras
    assert first is not second
    assert first.cancelled()
    await leg.aclose()
    assert second.cancelled()
    async with asyncio.timeout(10):
        # aiortc's attempts to connect to the page that is gone
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()}, return_exceptions=True)
