from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import av
import numpy as np
import pytest

from client.view.atlas import AtlasLayout
from client.view.compositor import Compositor, posted
from client.view.head_view import HeadView, Viewpoint, i420_planes
from client.view.pool import DrawingPool
from client.view.stamp import read_stamp
from client.view.track import AtlasTrack
from codec.params import FaceParams
from tests.support.fakes import FakeRenderer, Happening, face_of_gray


def luma(frame: av.VideoFrame) -> np.ndarray:
    return frame.to_ndarray()[: frame.height]


def grays(frame: av.VideoFrame, layout: AtlasLayout) -> dict[str, int]:
    """The gray of each tile, rounded to tens; -1 where it has several."""
    seen = {}
    for tile in layout.tiles:
        part = luma(frame)[tile.y : tile.y + tile.size, tile.x : tile.x + tile.size].astype(int)
        seen[tile.member_id] = round(part[0, 0], -1) if np.ptp(part) == 0 else -1
    return seen


@pytest.fixture
async def pictures():
    return Happening()


@pytest.fixture
async def pool():
    before = set(threading.enumerate())
    pool = DrawingPool(threads=2)
    yield pool
    await asyncio.to_thread(pool.close)
    assert not [thread.name for thread in set(threading.enumerate()) - before if thread.name.startswith("head-")]


@pytest.fixture
async def make_compositor(pool: DrawingPool):
    compositors = []

    def make(pictures: Happening) -> Compositor:
        post = asyncio.get_running_loop().call_soon_threadsafe
        sink = posted(lambda frame, layout: pictures.add((frame, layout)), post)
        compositors.append(Compositor(pool, sink, pytest.fail))
        compositors[-1].start()
        return compositors[-1]

    yield make
    for compositor in compositors:
        await asyncio.to_thread(compositor.stop)


@pytest.fixture
async def compositor(make_compositor, pictures: Happening) -> Compositor:
    return make_compositor(pictures)


def head(member_id: str, gray: int) -> HeadView:
    view = HeadView(member_id)
    view.set_renderer(FakeRenderer())
    view.show(face_of_gray(gray), 1)
    return view


async def test_each_head_is_drawn_into_its_tile(compositor: Compositor, pictures: Happening) -> None:
    compositor.put_head(head("a", 100))
    compositor.put_head(head("b", 200))
    compositor.put_head(head("off-screen", 250))
    compositor.set_sizes({"a": 128, "b": 100, "nobody": 128})
    await pictures.until(lambda items: bool(items) and grays(*items[-1]) == {"a": 100, "b": 200})


async def test_nothing_is_drawn_twice_and_news_are(compositor: Compositor, pictures: Happening) -> None:
    view = head("a", 100)
    compositor.put_head(view)
    compositor.set_sizes({"a": 128})
    await pictures.until(lambda items: view.frames_drawn == 1)
    compositor.wake()
    view.show(face_of_gray(150), 2)
    compositor.wake()
    await pictures.until(lambda items: view.frames_drawn == 2)
    view.look_from(Viewpoint(0.5, 0, 1))
    compositor.wake()
    await pictures.until(lambda items: view.frames_drawn == 3)
    assert len(pictures.items) <= 4


async def test_a_resting_head_goes_on_breathing(compositor: Compositor, pictures: Happening) -> None:
    view = head("a", 100)
    view.show(None, 0)
    compositor.put_head(view)
    compositor.set_sizes({"a": 128})
    await pictures.until(lambda items: view.frames_drawn >= 3)


async def test_stamps_are_readable_in_the_corner_of_the_tile(compositor: Compositor, pictures: Happening) -> None:
    view = head("self", 100)
    view.show(face_of_gray(100), 1_763_800_000_123)
    compositor.set_stamp(True)
    compositor.put_head(view)
    compositor.set_sizes({"self": 128})
    items = await pictures.until(lambda items: bool(items) and luma(items[-1][0])[100, 100] == 100)
    picture = luma(items[-1][0])
    assert read_stamp(picture) == 1_763_800_000_123 % 2**32


class SlowRenderer(FakeRenderer):
    """Takes until it is told that it may be done."""

    def __init__(self) -> None:
        super().__init__()
        self.may_end = threading.Event()

    def render(self, params, camera, background, planes, /) -> None:
        assert self.may_end.wait(10)
        super().render(params, camera, background, planes)


async def test_a_slow_head_holds_nobody_back_and_appears_later(compositor: Compositor, pictures: Happening) -> None:
    slow, quick = head("slow", 100), head("quick", 200)
    slow.set_renderer(renderer := SlowRenderer())
    compositor.put_head(slow)
    compositor.put_head(quick)
    compositor.set_sizes({"slow": 128, "quick": 128})
    for number in range(1, 4):
        await pictures.until(lambda items, number=number: quick.frames_drawn == number)
        quick.show(face_of_gray(200 - number), number)
        compositor.wake()
    assert slow.frames_drawn == 0
    renderer.may_end.set()
    await pictures.until(lambda items: grays(*items[-1])["slow"] == 100)


async def test_screens_of_one_process_get_what_is_theirs(make_compositor) -> None:
    screens = []
    for gray in (60, 120, 180):
        seen = Happening()
        view = head("a", gray)
        screens.append((seen, view, gray))
        compositor = make_compositor(seen)
        compositor.put_head(view)
        compositor.set_sizes({"a": 128})
    for seen, view, gray in screens:
        await seen.until(lambda items, gray=gray: bool(items) and grays(*items[-1]) == {"a": gray})
        assert view.frames_drawn == 1


async def test_a_head_at_another_size_is_drawn_again(compositor: Compositor, pictures: Happening) -> None:
    view = head("a", 100)
    compositor.put_head(view)
    for drawn, size in enumerate((128, 256), 1):
        compositor.set_sizes({"a": size})
        await pictures.until(
            lambda items, size=size: bool(items) and items[-1][0].width == size and grays(*items[-1]) == {"a": 100}
        )
        assert view.frames_drawn == drawn


async def test_a_head_that_goes_while_it_is_drawn_can_come_back(compositor: Compositor, pictures: Happening) -> None:
    view = head("a", 100)
    view.set_renderer(renderer := SlowRenderer())
    compositor.put_head(view)
    compositor.set_sizes({"a": 128})
    again = head("a", 150)
    compositor.remove_head("a")
    compositor.put_head(again)
    renderer.may_end.set()
    await pictures.until(lambda items: bool(items) and grays(*items[-1]) == {"a": 150})


async def test_a_screen_that_is_stopped_gets_no_more_pictures(
    pool: DrawingPool, compositor: Compositor, pictures: Happening
) -> None:
    view = head("a", 100)
    view.show(None, 0)
    compositor.put_head(view)
    compositor.set_sizes({"a": 128})
    await pictures.until(lambda items: view.frames_drawn >= 2)
    await asyncio.to_thread(compositor.stop)
    drawn = view.frames_drawn
    await asyncio.to_thread(pool.close)
    compositor.wake()
    assert view.frames_drawn == drawn
    with pytest.raises(RuntimeError, match="closed"):
        compositor.start()


async def test_a_head_that_cannot_be_drawn_takes_nobody_with_it(
    compositor: Compositor, pictures: Happening, caplog: pytest.LogCaptureFixture
) -> None:
    class BrokenRenderer(FakeRenderer):
        def render(self, params, camera, background_rgb, planes) -> None:
            raise ZeroDivisionError

    broken, fine = head("broken", 100), head("fine", 100)
    broken.set_renderer(BrokenRenderer())
    compositor.put_head(broken)
    compositor.put_head(fine)
    compositor.set_sizes({"broken": 128, "fine": 128})
    items = await pictures.until(lambda items: fine.frames_drawn >= 1 and len(items[-1:]) == 1)
    assert {tile.member_id for tile in items[-1][1].tiles} == {"broken", "fine"}
    assert caplog.text.count("could not be drawn") == 1
    broken.set_renderer(FakeRenderer())
    compositor.wake()
    await pictures.until(lambda items: broken.frames_drawn == 1)
    assert broken.faces_drawn == 1


async def test_a_screen_that_ends_says_so_and_others_go_on(
    pool: DrawingPool, compositor: Compositor, pictures: Happening
) -> None:
    def refuse(frame: av.VideoFrame, layout: AtlasLayout) -> None:
        raise OSError("no picture leaves")

    failures = Happening()
    broken = Compositor(pool, refuse, failures.add_threadsafe)
    broken.start()
    (failure,) = await failures.until(bool)
    assert str(failure) == "no picture leaves"
    await asyncio.to_thread(broken.stop)
    view = head("a", 100)
    compositor.put_head(view)
    compositor.set_sizes({"a": 128})
    await pictures.until(lambda items: view.frames_drawn == 1)


async def test_the_track_sends_the_newest_picture_with_growing_times() -> None:
    track = AtlasTrack()
    buffers = [np.full((192, 128), gray, np.uint8) for gray in (10, 20, 30)]
    frames = [av.VideoFrame.from_ndarray(buffer, format="yuv420p") for buffer in buffers]
    track.put(frames[0])
    track.put(frames[1])
    first = await track.recv()
    assert first is frames[1]
    first_pts = first.pts
    track.put(frames[2])
    second = await track.recv()
    assert second is frames[2]
    assert second.pts > first_pts
    last_pts = second.pts
    again = await track.recv()  # a still picture is repeated for whoever needs a key frame
    assert again is frames[2]
    assert again.pts > last_pts
    track.stop()


def test_planes_are_views_of_the_buffer() -> None:
    buffer = np.zeros((96, 64), np.uint8)
    planes = i420_planes(buffer, 32, 16, 16, 16)
    planes.y[:], planes.u[:], planes.v[:] = 1, 2, 3
    whole = av.VideoFrame.from_ndarray(buffer, format="yuv420p")
    y, u, v = (np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size) for plane in whole.planes)
    assert y[16:32, 32:48].min() == 1
    assert u[8:16, 16:24].min() == 2
    assert v[8:16, 16:24].min() == 3
    assert buffer.sum() == 256 + 64 * 2 + 64 * 3


def test_the_idle_face_blinks_and_stays_where_it_was() -> None:
    from client.view.idle import idle_face

    at = replace(FaceParams.neutral(), translation=np.array([0.1, 0.05, 0.8], np.float32))
    faces = [idle_face(time_s / 30, at) for time_s in range(300)]
    closures = np.array([face.eyelids[0] for face in faces])
    assert closures.max() > 0.9
    assert (closures > 0.5).mean() < 0.1
    assert max(np.abs(face.translation - at.translation).max() for face in faces) < 0.002
