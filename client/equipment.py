"""What the participants of one process share; client.load_equipment loads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from client.avatars import AvatarLibrary
from client.face_pipeline import Tracker
from client.heads import MakeRenderer
from tracker.profile import PersonProfile


@dataclass(frozen=True)
class Equipment:
    """What all sessions of a process share, loaded and compiled before the first person comes.

    Args:
        library: avatars.
        make_tracker: loads a face tracker; called in the tracking thread.
        make_renderer: a renderer for one head.
        extractor: name of what `make_tracker` loads (tracker.extractor.Extractor), which peers are told.
        make_tracker_of: the same for a person whom it is to expect (None: anybody), in a closed loop against the avatar
            of this id (None: without); None: there are no such trackers.
    """

    library: AvatarLibrary
    make_tracker: Callable[[], Tracker]
    make_renderer: MakeRenderer
    extractor: str
    make_tracker_of: Callable[[PersonProfile | None, str | None], Tracker] | None = None
