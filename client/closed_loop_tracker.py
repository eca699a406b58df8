"""Trackers for calls: in a closed loop where the person wears an avatar that is a likeness of them."""

from __future__ import annotations

import logging

from avatar_store.errors import AvatarStoreError
from avatar_store.store import AvatarStore
from codec.avatar_file import unpack_avatar
from codec.errors import CodecError
from renderer.avatar.avatar_model import AvatarModel
from renderer.errors import AvatarMismatchError
from renderer.head.model import HeadModel
from tracker.closed_loop import MAX_STEPS
from tracker.extractor import Extractor
from tracker.face_tracker import FaceTracker
from tracker.loop_budget import LoopBudget
from tracker.profile import PersonProfile
from tracker.refined_tracker import Likeness, RefinedTracker

logger = logging.getLogger(__name__)


def make_call_tracker(
    head: HeadModel, store: AvatarStore, person: PersonProfile | None, avatar_id: str | None
) -> Extractor:
    """A face tracker; takes a few hundred milliseconds.

    Args:
        head: the head model.
        store: where the avatar is.
        person: whom to expect; None: anybody.
        avatar_id: the avatar to correct the tracker's answers against; None: they stay as they are. So they do where
            the avatar is not here or cannot be used.
    """
    tracker = FaceTracker(head, person=person)
    likeness = None if avatar_id is None else _find_likeness(head, store, person, avatar_id)
    return tracker if likeness is None else RefinedTracker(tracker, likeness, LoopBudget(MAX_STEPS))


def _find_likeness(
    head: HeadModel, store: AvatarStore, person: PersonProfile | None, avatar_id: str
) -> Likeness | None:
    try:
        data = store.get(avatar_id)
        if data is not None:
            return Likeness.of(AvatarModel(head, unpack_avatar(data)), avatar_id, person)
    except (AvatarStoreError, CodecError, AvatarMismatchError, OSError):
        logger.exception("the closed loop cannot use the avatar")
    else:
        logger.warning("closed loop off: the avatar is not here")
    return None
