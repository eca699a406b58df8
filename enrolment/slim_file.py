"""The file that an enrolment keeps: small, and as good as what was trained."""

from __future__ import annotations

from codec.avatar_asset import AvatarAsset
from codec.avatar_file import pack_avatar
from enrolment.job_codec import Avatar, to_bytes
from enrolment.slim import slim_avatar
from enrolment.slim_shots import shots_of_take
from enrolment.take import Take
from renderer.head.model import HeadModel
from tracker.corrections import Corrections


def slim_file(take: Take, head: HeadModel, avatar: Avatar, known: Corrections | None) -> bytes:
    """The avatar's file, written as finely as pictures like those of the take show it; see enrolment.job_parts.

    Raises:
        AvatarFileError: an array holds what no avatar may hold.
    """
    if not isinstance(avatar, AvatarAsset):
        return to_bytes(avatar)
    shots, vectors = shots_of_take(take, head, avatar, known)
    return pack_avatar(*slim_avatar(head, avatar, shots, vectors))
