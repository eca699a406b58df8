"""Avatars of both profiles as bytes. A `paper` avatar has no file format: it is kept as plain arrays."""

from __future__ import annotations

import io
from dataclasses import fields
from typing import Any

import numpy as np

from codec.avatar_asset import AvatarAsset
from codec.avatar_file import pack_avatar, unpack_avatar
from codec.avatar_layout import MAGIC
from codec.errors import AvatarFileError
from codec.paper_avatar import DenseLayer, PaperAvatar
from enrolment.checkpoint import CheckpointError, parse_arrays
from renderer.avatar.avatar_model import AvatarModel
from renderer.avatar.paper_model import PaperAvatarModel
from renderer.head.model import HeadModel

Avatar = AvatarAsset | PaperAvatar

_LAYERS = "layers"


def to_bytes(avatar: Avatar) -> bytes:
    """An avatar file, or the arrays of a `paper` avatar.

    Raises:
        AvatarFileError: an array holds what no avatar may hold.
    """
    if isinstance(avatar, AvatarAsset):
        return pack_avatar(avatar)
    arrays: dict[str, Any] = {}
    for field in fields(avatar):
        value = getattr(avatar, field.name)
        if field.name != _LAYERS:
            arrays[field.name] = np.asarray(value)
            continue
        for index, layer in enumerate(value):
            arrays[f"{_LAYERS}.{index}.weights"], arrays[f"{_LAYERS}.{index}.bias"] = layer.weights, layer.bias
    if not all(np.isfinite(array).all() for array in arrays.values() if array.dtype.kind == "f"):
        raise AvatarFileError("The avatar holds a number that is not finite")
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def from_bytes(data: bytes) -> Avatar:
    """What `to_bytes` made.

    Raises:
        AvatarFileError: it is damaged.
    """
    if data[: len(MAGIC)] == MAGIC:
        return unpack_avatar(data)
    try:
        arrays: dict[str, Any] = dict(parse_arrays(data))
        count = sum(name.startswith(f"{_LAYERS}.") for name in arrays) // 2
        layers = tuple(
            DenseLayer(arrays.pop(f"{_LAYERS}.{index}.weights"), arrays.pop(f"{_LAYERS}.{index}.bias"))
            for index in range(count)
        )
        for name, value in arrays.items():
            if value.dtype.kind == "U":
                arrays[name] = str(value)
        arrays[_LAYERS] = layers
        return PaperAvatar(**arrays)
    except (CheckpointError, KeyError, TypeError) as error:
        raise AvatarFileError("The avatar is damaged") from error


def avatar_model(head: HeadModel, avatar: Avatar) -> AvatarModel | PaperAvatarModel:
    """The avatar on its head model.

    Raises:
        AvatarMismatchError: they do not fit.
    """
    return AvatarModel(head, avatar) if isinstance(avatar, AvatarAsset) else PaperAvatarModel(head, avatar)
