"""What the participants of one process share; client.load_equipment loads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from client.avatars import AvatarLibrary
from client.face_pipeline import Tracker
from client.heads import MakeRenderer


@dataclass(frozen=True)
class Equipment:
    """What all sessions of a process share, loaded and compiled before the first person comes.

    Args:
        library: avatars.
        make_tracker: loads a face tracker; called in the tracking thread.
        make_renderer: a renderer for one head.
        extractor: name of what `make_tracker` loads (tracker.extractor.Extractor), which peers are told.
    """

    library: AvatarLibrary
    make_tracker: Callable[[], Tracker]
    make_renderer: MakeRenderer
    extractor: str
