"""Loads and compiles everything heavy once per process, so that the first head appears at once."""

from __future__ import annotations

import gc
import logging

import av
import numpy as np

from avatar_store.store import AvatarStore
from client.avatars import AvatarLibrary
from client.capture.frames import RgbConverter
from client.clock import monotonic_s
from client.closed_loop_tracker import make_call_tracker
from client.equipment import Equipment
from client.heads import MakeRenderer
from client.view.atlas import TILE_SIZES
from client.view.head_view import HeadView, i420_planes
from codec.avatar_file import unpack_avatar
from codec.params import FaceParams
from renderer.avatar.avatar_model import AvatarModel
from renderer.backends.choose import head_renderer_maker
from renderer.head.model import HeadModel
from renderer.head.open_head import load_open_head
from tracker.closed_loop_warm_up import warm_up_closed_loop
from tracker.estimator import FaceEstimator
from tracker.face_tracker import FaceTracker
from tracker.profile import PersonProfile

logger = logging.getLogger(__name__)


def load_plain_equipment(
    store: AvatarStore, person: PersonProfile | None = None, *, closed_loop: bool = False
) -> Equipment:
    """Loads head and guests only: a bot draws nothing, and its recording waits until the tracker is there.

    Args:
        store: avatars that came from others.
        person: whom the tracker is to expect.
        closed_loop: compile the closed loop too.

    Raises:
        AvatarStoreError: the installation is damaged.
        ProfileError: the profile is for another head model.
    """
    head = load_open_head()
    if person is not None:
        FaceEstimator(head, person=person)  # says now, not in the tracking thread, that they do not go together
    if closed_loop:
        warm_up_closed_loop(head)
    _spare_collector()
    make_renderer = head_renderer_maker("cpu", TILE_SIZES[-1])
    return _equip(head, AvatarLibrary.with_shipped_guests(head, store), make_renderer, person)


def load_equipment(store: AvatarStore, renderer: str = "auto") -> Equipment:
    """Loads head, guests, tracker and kernels, and draws and tracks one frame; blocks for seconds.

    Args:
        store: avatars that came from others.
        renderer: what draws (renderer.backends.choose).

    Raises:
        AvatarStoreError: the installation is damaged.
        CudaUnavailableError: the graphics card is asked for and cannot be used.
    """
    started = monotonic_s()
    make_renderer = head_renderer_maker(renderer, TILE_SIZES[-1])
    head = load_open_head()
    library = AvatarLibrary.with_shipped_guests(head, store)
    data = store.get(library.guest_ids[0])
    assert data is not None
    view = HeadView("warm-up")
    view.set_renderer(make_renderer(AvatarModel(head, unpack_avatar(data))))
    view.show(FaceParams.neutral(), 0)
    size = TILE_SIZES[0]
    buffer = np.zeros((size * 3 // 2, size), np.uint8)
    view.draw(i420_planes(buffer, 0, 0, size, size), size, started, stamp=False)
    tracker = FaceTracker(head)
    try:
        tracker.track(RgbConverter()(av.VideoFrame.from_ndarray(buffer, format="yuv420p")), 0.0)
    finally:
        tracker.close()
    warm_up_closed_loop(head)
    _spare_collector()
    logger.info("head, tracker and renderer are warm: seconds=%.1f", monotonic_s() - started)
    return _equip(head, library, make_renderer)


def _equip(
    head: HeadModel, library: AvatarLibrary, make_renderer: MakeRenderer, person: PersonProfile | None = None
) -> Equipment:
    return Equipment(
        library,
        lambda: make_call_tracker(head, library.store, person, None),
        make_renderer,
        FaceTracker.name,
        lambda somebody, avatar_id: make_call_tracker(head, library.store, somebody, avatar_id),
    )


def _spare_collector() -> None:
    """Takes what is loaded out of garbage collection, and lets it run after 50,000 new objects instead of 700.

    Each tracked picture makes a thousand short-lived objects, so that Python would look through all modules every few
    seconds, in the middle of a frame.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
