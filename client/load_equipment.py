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
from client.equipment import Equipment
from client.view.atlas import TILE_SIZES
from client.view.head_view import HeadView, i420_planes
from codec.avatar_file import unpack_avatar
from codec.params import FaceParams
from renderer.avatar.avatar_model import AvatarModel
from renderer.avatar.frame_renderer import FrameRenderer
from renderer.head.model import HeadModel
from renderer.head.open_head import load_open_head
from tracker.face_tracker import FaceTracker

logger = logging.getLogger(__name__)


def make_tracker_on(head: HeadModel) -> FaceTracker:
    """A face tracker; takes a few hundred milliseconds."""
    return FaceTracker(head)


def make_renderer(model: AvatarModel) -> FrameRenderer:
    """A renderer for one head."""
    return FrameRenderer(model, max_size=TILE_SIZES[-1])


def load_plain_equipment(store: AvatarStore) -> Equipment:
    """Loads head and guests only: a bot draws nothing, and its recording waits until the tracker is there.

    Raises:
        AvatarStoreError: the installation is damaged.
    """
    head = load_open_head()
    _spare_collector()
    return _equip(head, AvatarLibrary.with_shipped_guests(head, store))


def load_equipment(store: AvatarStore) -> Equipment:
    """Loads head, guests, tracker and kernels, and draws and tracks one frame; blocks for seconds.

    Raises:
        AvatarStoreError: the installation is damaged.
    """
    started = monotonic_s()
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
    tracker = make_tracker_on(head)
    try:
        tracker.track(RgbConverter()(av.VideoFrame.from_ndarray(buffer, format="yuv420p")), 0.0)
    finally:
        tracker.close()
    _spare_collector()
    logger.info("head, tracker and renderer are warm: seconds=%.1f", monotonic_s() - started)
    return _equip(head, library)


def _equip(head: HeadModel, library: AvatarLibrary) -> Equipment:
    return Equipment(library, lambda: make_tracker_on(head), make_renderer, FaceTracker.name)


def _spare_collector() -> None:
    """Takes what is loaded out of garbage collection, and lets it run after 50,000 new objects instead of 700.

    Each tracked picture makes a thousand short-lived objects, so that Python would look through all modules every few
    seconds, in the middle of a frame.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
