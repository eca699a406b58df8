"""Avatars of both profiles as files: `.vav` and `.vap`."""

from __future__ import annotations

from dataclasses import dataclass

from codec.avatar_asset import AvatarAsset
from codec.avatar_file import pack_avatar, unpack_avatar
from codec.paper_avatar import PaperAvatar
from codec.paper_file import pack_paper_avatar, unpack_paper_avatar
from codec.paper_head import PAPER_MAGIC
from renderer.avatar.avatar_model import AvatarModel
from renderer.avatar.paper_model import PaperAvatarModel
from renderer.head.model import HeadModel
from tracker.corrections import Corrections

Avatar = AvatarAsset | PaperAvatar


@dataclass(frozen=True, eq=False)
class Snapshot:
    """An avatar at one moment of its training.

    Args:
        data: its file.
        corrections: what was known by then of the tracker and this avatar (enrolment.follow).
    """

    data: bytes
    corrections: Corrections | None = None


def to_bytes(avatar: Avatar) -> bytes:
    """The avatar's file.

    Raises:
        AvatarFileError: an array holds what no avatar may hold.
    """
    return pack_avatar(avatar) if isinstance(avatar, AvatarAsset) else pack_paper_avatar(avatar)


def from_bytes(data: bytes) -> Avatar:
    """What `to_bytes` made.

    Raises:
        AvatarFileError: it is damaged.
    """
    return unpack_paper_avatar(data) if data.startswith(PAPER_MAGIC) else unpack_avatar(data)


def avatar_model(head: HeadModel, avatar: Avatar) -> AvatarModel | PaperAvatarModel:
    """The avatar on its head model.

    Raises:
        AvatarMismatchError: they do not fit.
    """
    return AvatarModel(head, avatar) if isinstance(avatar, AvatarAsset) else PaperAvatarModel(head, avatar)
