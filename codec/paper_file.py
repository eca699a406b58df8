"""Files of avatars of profile `paper` (`.vap`): docs/avatar-profiles.md.

Version 0 keeps every number as it was learned and is written here; version 1 is codec.paper_v1_file's.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from codec.avatar_layout import HEADER, MAX_FACES, SECTION, split_sections, version_of
from codec.errors import AvatarFileError
from codec.paper_avatar import PaperAvatar
from codec.paper_head import MAX_PAPER_BYTES, PAPER_MAGIC, PaperHead, network_layers, network_numbers
from codec.paper_v1_file import PAPER_V1, unpack_latent
from codec.planes import compress, decompress

PAPER_VERSION = 0

_CODING_STORED, _CODING_ZSTD = 0, 1

Numbers = NDArray[np.float32] | NDArray[np.int32]


class _Kind(IntEnum):
    """How numbers are stored, all little-endian."""

    FLOAT16 = 0
    FLOAT32 = 1
    INT32 = 2


_TYPES = {_Kind.FLOAT16: np.dtype("<f2"), _Kind.FLOAT32: np.dtype("<f4"), _Kind.INT32: np.dtype("<i4")}


def _sections(head: PaperHead) -> dict[str, tuple[int, ...]]:
    """Shape of the array in each section after HEAD, in the order of the file."""
    n = head.gaussians
    return {
        "SHAP": (head.vertices, 3),
        "FACE": (n,),
        "BARY": (n, 3),
        "COLR": (n, 3),
        "SCAL": (n, 3),
        "OPAC": (n,),
        "QUAT": (n, 4),
        "HARM": (n, head.coefficients, 3),
        "NETW": (head.weights,),
    }


def pack_paper_avatar(avatar: PaperAvatar, *, half: bool = False) -> bytes:
    """Serializes an avatar in version 0.

    Args:
        avatar: what to write.
        half: harmonics and network in float16, which is what makes most of the file; the rest stays as it is.

    Raises:
        AvatarFileError: arrays do not fit together, or a value is not finite or out of range.
    """
    head = PaperHead.of(avatar)
    arrays: dict[str, Numbers] = {
        "SHAP": avatar.shape_offsets,
        "FACE": avatar.faces_bound,
        "BARY": avatar.barycentrics,
        "COLR": avatar.sh0,
        "SCAL": avatar.log_scales,
        "OPAC": avatar.logit_opacities,
        "QUAT": avatar.quats,
        "HARM": avatar.sh_rest,
        "NETW": network_numbers(head, avatar.layers),
    }
    packed = head.pack()
    parts = [
        HEADER.pack(PAPER_MAGIC, PAPER_VERSION, 0),
        SECTION.pack(b"HEAD", _CODING_STORED, 0, 0, len(packed)),
        packed,
    ]
    for tag, shape in _sections(head).items():
        if arrays[tag].shape != shape:
            raise AvatarFileError(f"The avatar's {tag} array has shape {arrays[tag].shape}, expected {shape}")
        kind = _Kind.INT32 if tag == "FACE" else _Kind.FLOAT16 if half and tag in ("HARM", "NETW") else _Kind.FLOAT32
        stored = compress(_to_bytes(arrays[tag], kind))
        parts += [SECTION.pack(tag.encode(), _CODING_ZSTD, kind, 0, len(stored)), stored]
    data = b"".join(parts)
    unpack_paper_avatar(data)  # what nobody could read is not written
    return data


def unpack_paper_avatar(data: bytes) -> PaperAvatar:
    """Parses a file of any version from anywhere; memory is bounded by the format's limits before it is used.

    Raises:
        AvatarFileError: the file breaks any rule of docs/avatar-profiles.md.
    """
    if data[:4] == PAPER_MAGIC and version_of(data) == PAPER_V1:
        return unpack_latent(data).avatar()
    sections = split_sections(data, PAPER_MAGIC, PAPER_VERSION, MAX_PAPER_BYTES)
    if not sections or sections[0][0] != "HEAD" or sections[0][1:3] != (_CODING_STORED, 0):
        raise AvatarFileError("The avatar file does not begin with its HEAD section")
    head = PaperHead.unpack(sections[0][3])
    shapes, found = _sections(head), dict[str, Numbers]()
    for tag, coding, kind, stored in sections[1:]:
        if tag in found or tag == "HEAD":
            raise AvatarFileError(f"The avatar file has two {tag} sections")
        if tag in shapes:
            found[tag] = _decode(tag, coding, kind, stored, shapes[tag])
    missing = [tag for tag in shapes if tag not in found]
    if missing:
        raise AvatarFileError(f"The avatar file lacks its {', '.join(missing)} section")
    faces = found.pop("FACE").astype(np.int32)
    if faces.min() < 0 or faces.max() >= MAX_FACES:
        raise AvatarFileError("The avatar file's FACE section names a triangle out of range")
    floats = {tag: array.astype(np.float32) for tag, array in found.items()}
    return PaperAvatar(
        head_model_id=head.head_model_id,
        name=head.name,
        shape_offsets=floats["SHAP"],
        faces_bound=faces,
        barycentrics=floats["BARY"],
        log_scales=floats["SCAL"],
        quats=floats["QUAT"],
        logit_opacities=floats["OPAC"],
        sh0=floats["COLR"],
        sh_rest=floats["HARM"],
        layers=network_layers(head, floats["NETW"]),
    )


def _decode(tag: str, coding: int, kind: int, stored: bytes, shape: tuple[int, ...]) -> Numbers:
    allowed = (_Kind.INT32,) if tag == "FACE" else (_Kind.FLOAT16, _Kind.FLOAT32)
    if kind not in allowed:
        raise AvatarFileError(f"The avatar file's {tag} section has an unknown kind of numbers")
    dtype = _TYPES[_Kind(kind)]
    size = int(np.prod(shape)) * dtype.itemsize
    if coding == _CODING_ZSTD:
        planes = decompress(stored, size)
    elif coding == _CODING_STORED and len(stored) == size:
        planes = stored
    else:
        raise AvatarFileError(f"The avatar file's {tag} section has an unknown coding or the wrong size")
    rows = np.frombuffer(planes, np.uint8).reshape(dtype.itemsize, size // dtype.itemsize)
    values = np.ascontiguousarray(rows.T).view(dtype).reshape(shape)
    if tag == "FACE":
        return values.astype(np.int32)
    if not np.isfinite(values).all():
        raise AvatarFileError(f"The avatar file's {tag} section holds a number that is not finite")
    return values.astype(np.float32)


def _to_bytes(values: Numbers, kind: _Kind) -> bytes:
    """The numbers' first bytes, then their second bytes, ..."""
    with np.errstate(over="ignore"):  # what exceeds float16 becomes infinite, which is refused
        numbers = np.ascontiguousarray(values, _TYPES[kind]).reshape(-1)
    return np.ascontiguousarray(numbers.view(np.uint8).reshape(len(numbers), numbers.itemsize).T).tobytes()
