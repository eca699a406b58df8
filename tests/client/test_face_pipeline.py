from __future__ import annotations

import asyncio
import threading

import av
import numpy as np
import pytest

from client.capture.frames import RgbConverter
from client.face_pipeline import MAX_BAD_FRAMES, FacePipeline
from tests.support.fakes import FakeTracker, Happening


def picture(gray: int, width: int = 64, height: int = 48) -> av.VideoFrame:
    buffer = np.full((height * 3 // 2, width), 128, np.uint8)
    buffer[:height] = gray
    return av.VideoFrame.from_ndarray(buffer, format="yuv420p")


async def test_faces_come_back_with_their_capture_time() -> None:
    tracker, faces = FakeTracker(), Happening()
    pipeline = FacePipeline(lambda: tracker, faces.add)
    pipeline.start()
    pipeline.push(picture(120), 1000)
    (face,) = await faces.until(bool)
    assert face.capture_ms == 1000
    assert face.params.jaw_pose[0] > 0.2
    pipeline.push(picture(0), 1040)
    await faces.until(lambda items: len(items) == 2)
    assert faces.items[1].params is None
    await pipeline.aclose()
    assert tracker.closed


async def test_only_the_newest_frame_is_tracked_and_times_grow() -> None:
    gate, tracking = threading.Event(), threading.Event()

    class SlowTracker(FakeTracker):
        def track(self, image_rgb, timestamp_s):
            tracking.set()
            gate.wait(10)
            return super().track(image_rgb, timestamp_s)

    faces = Happening()
    pipeline = FacePipeline(SlowTracker, faces.add)
    pipeline.start()
    pipeline.push(picture(100), 5)
    tracking.wait(10)
    for capture_ms in (6, 7, 8, 3):
        pipeline.push(picture(100), capture_ms)
    gate.set()
    await faces.until(lambda items: len(items) == 2)
    await pipeline.aclose()
    assert [face.capture_ms for face in faces.items] == [5, 6]  # the last one pushed, its time moved on


async def test_a_tracker_that_fails_is_reported() -> None:
    def broken() -> FakeTracker:
        raise OSError("no model file")

    pipeline = FacePipeline(broken, lambda face: None)
    pipeline.start()
    assert str(await pipeline.failed()) == "no model file"
    await pipeline.aclose()


def test_large_pictures_are_scaled_down_and_small_ones_left() -> None:
    assert RgbConverter()(picture(100, 1280, 720)).shape == (360, 640, 3)
    assert RgbConverter()(picture(100, 320, 240)).shape == (240, 320, 3)
    assert abs(int(RgbConverter()(picture(126)).mean()) - 128) <= 2


async def test_a_frame_that_cannot_be_tracked_shows_no_face_and_only_a_row_of_them_ends_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class ClumsyTracker(FakeTracker):
        def track(self, image_rgb, timestamp_s):
            if image_rgb.mean() > 200:
                raise ArithmeticError("singular")
            return super().track(image_rgb, timestamp_s)

    faces = Happening()
    pipeline = FacePipeline(ClumsyTracker, faces.add)
    pipeline.start()
    async with asyncio.timeout(10):
        await pipeline.ready.wait()
    for number, gray in enumerate((235, 100, 235), 1):
        pipeline.push(picture(gray), number)
        await faces.until(lambda items, number=number: len(items) == number)
    assert [face.params is None for face in faces.items] == [True, False, True]
    for number in range(4, 4 + MAX_BAD_FRAMES - 2):
        pipeline.push(picture(235), number)
        await faces.until(lambda items, number=number: len(items) == number)
    pipeline.push(picture(235), 100)
    assert str(await pipeline.failed()) == "singular"
    assert caplog.text.count("could not be tracked") == 2
    await pipeline.aclose()


async def test_another_tracker_takes_over_and_one_that_does_not_load_changes_nothing(caplog) -> None:
    first, second, faces = FakeTracker(), FakeTracker(), Happening()
    pipeline = FacePipeline(lambda: first, faces.add)
    pipeline.start()
    pipeline.push(picture(100), 1)
    await faces.until(lambda items: len(items) == 1)

    def broken() -> FakeTracker:
        raise OSError("no model file")

    pipeline.change_tracker(broken)
    pipeline.push(picture(100), 2)
    await faces.until(lambda items: len(items) == 2)
    assert not first.closed
    pipeline.change_tracker(broken)
    pipeline.change_tracker(lambda: second)
    pipeline.push(picture(100), 3)
    await faces.until(lambda items: len(items) == 3)
    assert (first.closed, second.closed) == (True, False)
    await pipeline.aclose()
    assert second.closed
    assert caplog.text.count("could not be loaded") == 1


async def test_an_observer_sees_pictures_and_what_came_of_them() -> None:
    faces, seen = Happening(), []
    pipeline = FacePipeline(FakeTracker, faces.add)
    pipeline.observer = lambda image, result: seen.append((image.shape, result.params is None))
    pipeline.start()
    pipeline.push(picture(0), 1)
    await faces.until(lambda items: len(items) == 1)
    pipeline.observer = None
    pipeline.push(picture(0), 2)
    await faces.until(lambda items: len(items) == 2)
    await pipeline.aclose()
    assert seen == [((48, 64, 3), True)]
