"""Avatar files (`.vav`): docs/avatar-format.md. Version 1 is in codec.avatar_v1_file."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codec.avatar_asset import BASIS_CHANNELS, AvatarAsset
from codec.avatar_layout import (
    HEADER,
    MAGIC,
    MAX_AVATAR_BYTES,
    OPTIONAL,
    SECTION,
    VERSION,
    VERSION_1,
    AvatarHeader,
    split_sections,
    version_of,
)
from codec.avatar_owner import owner_in
from codec.avatar_plan import AvatarPlan
from codec.avatar_symbols import from_symbols, to_symbols
from codec.avatar_v1_file import pack_v1, unpack_v1
from codec.errors import AvatarFileError
from codec.integer_sections import CODING_STORED, pack_integers, unpack_integers
from codec.planes import Integers

__all__ = ["MAX_AVATAR_BYTES", "avatar_id", "pack_avatar", "unpack_avatar", "unpack_partial"]


def avatar_id(data: bytes) -> str:
    """The id of an avatar file: the hex SHA-256 of its bytes."""
    return hashlib.sha256(data).hexdigest()


def pack_avatar(asset: AvatarAsset, plan: AvatarPlan | None = None) -> bytes:
    """Serializes an avatar.

    Without a plan all Gaussians are written alike, in version 0 and in their order; sorted by bound face they compress
    best. With one (enrolment.slim makes it, and what it is for) the file has version 1 and less than half the bytes.

    Args:
        asset: the avatar.
        plan: how finely to write what.

    Raises:
        AvatarFileError: arrays do not fit together, a value is not finite or out of range, or the file would be
            larger than MAX_AVATAR_BYTES.
    """
    header = _header_of(asset)
    data = _pack_v0(header, asset) if plan is None else pack_v1(header, asset, plan)
    if len(data) > MAX_AVATAR_BYTES:
        raise AvatarFileError(f"The avatar takes {len(data)} bytes; {MAX_AVATAR_BYTES} are allowed")
    return data


def unpack_avatar(data: bytes) -> AvatarAsset:
    """Parses an avatar file from anywhere; memory is bounded by the limits of the format before it is used.

    Raises:
        AvatarFileError: the file breaks any rule of docs/avatar-format.md.
    """
    if version_of(data) != VERSION_1:
        return _unpack_v0(data)
    asset = unpack_v1(split_sections(data, MAGIC, VERSION_1, MAX_AVATAR_BYTES))
    assert asset is not None  # only parts of files make nothing
    return asset


def unpack_partial(data: bytes) -> AvatarAsset | None:
    """The best avatar that the first bytes of a file allow.

    Args:
        data: a file, or its beginning, from anywhere.

    Returns:
        Fewer and larger Gaussians at first, then all of them without bases, then the avatar; None where there is
        nothing to show yet, as with any part of a file of version 0.

    Raises:
        AvatarFileError: what is there breaks a rule of docs/avatar-format.md.
    """
    if len(data) < HEADER.size and data[:4] == MAGIC[: len(data)]:
        return None
    if version_of(data) == VERSION_1:
        sections = split_sections(data, MAGIC, VERSION_1, MAX_AVATAR_BYTES, partial=True)
        return unpack_v1(sections, partial=True)
    sections = split_sections(data, MAGIC, VERSION, MAX_AVATAR_BYTES, partial=True)
    wanted = AvatarHeader.unpack(sections[0][3]).sections() if sections and sections[0][0] == "HEAD" else {"HEAD": 0}
    return None if set(wanted) - {section[0] for section in sections} else _unpack_v0(data)


def _pack_v0(header: AvatarHeader, asset: AvatarAsset) -> bytes:
    head = header.pack()
    parts = [HEADER.pack(MAGIC, VERSION, 0), SECTION.pack(b"HEAD", CODING_STORED, 0, 0, len(head)), head]
    symbols = to_symbols(asset)
    for tag, (_, _, width) in (header.sections() | OPTIONAL).items():
        if tag in symbols:
            parts.append(pack_integers(tag, symbols[tag], width))
    return b"".join(parts)


def _unpack_v0(data: bytes) -> AvatarAsset:
    sections = split_sections(data, MAGIC, VERSION, MAX_AVATAR_BYTES)
    if not sections or sections[0][0] != "HEAD" or sections[0][1:3] != (CODING_STORED, 0):
        raise AvatarFileError("The avatar file does not begin with its HEAD section")
    owner_in(sections)
    header = AvatarHeader.unpack(sections[0][3])
    needed = header.sections()
    shapes = needed | OPTIONAL
    symbols: dict[str, Integers] = {}
    for tag, coding, predictor, stored in sections[1:]:
        if tag in symbols or tag == "HEAD":
            raise AvatarFileError(f"The avatar file has two {tag} sections")
        if tag in shapes:
            symbols[tag] = unpack_integers(tag, coding, predictor, stored, shapes[tag])
    missing = [tag for tag in needed if tag not in symbols]
    if missing:
        raise AvatarFileError(f"The avatar file lacks its {', '.join(missing)} section")
    return from_symbols(header, symbols)


def _header_of(asset: AvatarAsset) -> AvatarHeader:
    count, vertices = len(asset.faces_bound), len(asset.shape_offsets)
    bases, grid_size = len(asset.basis_grid), asset.basis_grid.shape[-1]
    weights = asset.basis_weights
    expected: tuple[tuple[str, NDArray[Any], tuple[int, ...]], ...] = (
        ("shape_offsets", asset.shape_offsets, (vertices, 3)),
        ("faces_bound", asset.faces_bound, (count,)),
        ("barycentrics", asset.barycentrics, (count, 3)),
        ("local_means", asset.local_means, (count, 3)),
        ("local_quats", asset.local_quats, (count, 4)),
        ("log_scales", asset.log_scales, (count, 3)),
        ("logit_opacities", asset.logit_opacities, (count,)),
        ("sh0", asset.sh0, (count, 3)),
        ("rigid_to_skull", asset.rigid_to_skull, (count,)),
        ("grid_uv", asset.grid_uv, (count, 2)),
        ("basis_grid", asset.basis_grid, (bases, BASIS_CHANNELS, grid_size, grid_size)),
        ("basis_weights", weights, (bases, weights.shape[-1])),
    )
    for what, values, shape in expected:
        if values.shape != shape:
            raise AvatarFileError(f"The avatar's {what} have shape {values.shape}, expected {shape}")
        if not np.isfinite(values).all():
            raise AvatarFileError(f"The avatar's {what} hold a number that is not finite")
    dims = weights.shape[-1] - 15
    return AvatarHeader(asset.head_model_id, asset.name, count, vertices, bases, grid_size, dims)
