"""Files of avatars of profile `paper` (`.vap`), version 0: docs/avatar-profiles.md."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from codec.avatar_layout import HEADER, MAX_FACES, MAX_NAME_CHARACTERS, MAX_VERTICES, SECTION, split_sections
from codec.errors import AvatarFileError
from codec.paper_avatar import (
    INPUT_SIZE,
    MAX_HIDDEN_LAYERS,
    MAX_PAPER_GAUSSIANS,
    MAX_WIDTH,
    OUTPUT_SIZE,
    SH_COEFFICIENTS,
    DenseLayer,
    PaperAvatar,
)
from codec.planes import compress, decompress

PAPER_MAGIC = b"\x89VAP"
PAPER_VERSION = 0
MAX_PAPER_BYTES = 8 * 1024 * 1024
"""All sections at their limits, uncompressed and in float32, take less."""

_CODING_STORED, _CODING_ZSTD = 0, 1
_HEAD = struct.Struct("<32sIIBBBB")

Numbers = NDArray[np.float32] | NDArray[np.int32]


class _Kind(IntEnum):
    """How numbers are stored, all little-endian."""

    FLOAT16 = 0
    FLOAT32 = 1
    INT32 = 2


_TYPES = {_Kind.FLOAT16: np.dtype("<f2"), _Kind.FLOAT32: np.dtype("<f4"), _Kind.INT32: np.dtype("<i4")}


@dataclass(frozen=True)
class _Head:
    """Content of the HEAD section: everything that decides how large the others are.

    Args:
        head_model_id: hex SHA-256.
        name: at most MAX_NAME_CHARACTERS printable characters.
        gaussians: N. vertices: V. coefficients: K of the harmonics.
        widths: outputs of the hidden layers.

    Raises:
        AvatarFileError: a number is out of its limits.
    """

    head_model_id: str
    name: str
    gaussians: int
    vertices: int
    coefficients: int
    widths: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.name) > MAX_NAME_CHARACTERS or not self.name.isprintable() or len(self.name.encode()) > 255:
            raise AvatarFileError(f"The avatar's name must be at most {MAX_NAME_CHARACTERS} printable characters")
        if len(self.head_model_id) != 64 or set(self.head_model_id) - set("0123456789abcdef"):
            raise AvatarFileError("The avatar's head model id is not a hex SHA-256")
        limits = [
            ("Gaussians", self.gaussians, 1, MAX_PAPER_GAUSSIANS),
            ("vertices", self.vertices, 3, MAX_VERTICES),
            ("hidden layers", len(self.widths), 1, MAX_HIDDEN_LAYERS),
            *(("outputs of a hidden layer", width, 1, MAX_WIDTH) for width in self.widths),
        ]
        for what, value, low, high in limits:
            if not low <= value <= high:
                raise AvatarFileError(f"The avatar has {value} {what}; {low} to {high} are allowed")
        if self.coefficients not in SH_COEFFICIENTS:
            raise AvatarFileError(f"The avatar has {self.coefficients} harmonics; 0, 3, 8 or 15 are allowed")

    def pack(self) -> bytes:
        name = self.name.encode()
        sizes = (self.gaussians, self.vertices, self.coefficients, len(self.widths), len(name), 0)
        widths = struct.pack(f"<{len(self.widths)}H", *self.widths)
        return _HEAD.pack(bytes.fromhex(self.head_model_id), *sizes) + widths + name

    @staticmethod
    def unpack(data: bytes) -> _Head:
        if len(data) < _HEAD.size:
            raise AvatarFileError("The avatar file's HEAD section is too short")
        model, gaussians, vertices, coefficients, hidden, name_bytes, reserved = _HEAD.unpack_from(data)
        if len(data) != _HEAD.size + 2 * hidden + name_bytes or reserved:
            raise AvatarFileError("The avatar file's HEAD section has the wrong length or a reserved byte set")
        widths = struct.unpack_from(f"<{hidden}H", data, _HEAD.size)
        try:
            name = data[_HEAD.size + 2 * hidden :].decode()
        except UnicodeDecodeError as error:
            raise AvatarFileError("The avatar's name is not UTF-8") from error
        return _Head(bytes(model).hex(), name, gaussians, vertices, coefficients, widths)

    def layers(self) -> list[tuple[int, int]]:
        """(inputs, outputs) of each layer of the network."""
        return list(zip((INPUT_SIZE, *self.widths), (*self.widths, OUTPUT_SIZE), strict=True))

    def sections(self) -> dict[str, tuple[int, ...]]:
        """Shape of the array in each section after HEAD, in the order of the file."""
        n = self.gaussians
        return {
            "SHAP": (self.vertices, 3),
            "FACE": (n,),
            "BARY": (n, 3),
            "COLR": (n, 3),
            "SCAL": (n, 3),
            "OPAC": (n,),
            "QUAT": (n, 4),
            "HARM": (n, self.coefficients, 3),
            "NETW": (sum((inputs + 1) * outputs for inputs, outputs in self.layers()),),
        }


def pack_paper_avatar(avatar: PaperAvatar, *, half: bool = False) -> bytes:
    """Serializes an avatar.

    Args:
        avatar: what to write.
        half: harmonics and network in float16, which is what makes most of the file; the rest stays as it is.

    Raises:
        AvatarFileError: arrays do not fit together, or a value is not finite or out of range.
    """
    widths = tuple(len(layer.bias) for layer in avatar.layers[:-1])
    vertices, coefficients = len(avatar.shape_offsets), avatar.sh_rest.shape[1] if avatar.sh_rest.ndim == 3 else -1
    head = _Head(avatar.head_model_id, avatar.name, avatar.count, vertices, coefficients, widths)
    for layer, (inputs, outputs) in zip(avatar.layers, head.layers(), strict=True):
        if layer.weights.shape != (inputs, outputs) or layer.bias.shape != (outputs,):
            raise AvatarFileError(f"A layer of the avatar's network has shape {layer.weights.shape}")
    network = [part.astype(np.float32).ravel() for layer in avatar.layers for part in (layer.weights, layer.bias)]
    arrays: dict[str, Numbers] = {
        "SHAP": avatar.shape_offsets,
        "FACE": avatar.faces_bound,
        "BARY": avatar.barycentrics,
        "COLR": avatar.sh0,
        "SCAL": avatar.log_scales,
        "OPAC": avatar.logit_opacities,
        "QUAT": avatar.quats,
        "HARM": avatar.sh_rest,
        "NETW": np.concatenate(network),
    }
    packed = head.pack()
    parts = [
        HEADER.pack(PAPER_MAGIC, PAPER_VERSION, 0),
        SECTION.pack(b"HEAD", _CODING_STORED, 0, 0, len(packed)),
        packed,
    ]
    for tag, shape in head.sections().items():
        if arrays[tag].shape != shape:
            raise AvatarFileError(f"The avatar's {tag} array has shape {arrays[tag].shape}, expected {shape}")
        kind = _Kind.INT32 if tag == "FACE" else _Kind.FLOAT16 if half and tag in ("HARM", "NETW") else _Kind.FLOAT32
        stored = compress(_to_bytes(arrays[tag], kind))
        parts += [SECTION.pack(tag.encode(), _CODING_ZSTD, kind, 0, len(stored)), stored]
    data = b"".join(parts)
    unpack_paper_avatar(data)  # what nobody could read is not written
    return data


def unpack_paper_avatar(data: bytes) -> PaperAvatar:
    """Parses a file from anywhere; memory is bounded by the limits of the format before it is used.

    Raises:
        AvatarFileError: the file breaks any rule of docs/avatar-profiles.md.
    """
    sections = split_sections(data, PAPER_MAGIC, PAPER_VERSION, MAX_PAPER_BYTES)
    if not sections or sections[0][0] != "HEAD" or sections[0][1:3] != (_CODING_STORED, 0):
        raise AvatarFileError("The avatar file does not begin with its HEAD section")
    head = _Head.unpack(sections[0][3])
    shapes, found = head.sections(), dict[str, Numbers]()
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
        layers=_to_layers(head, floats["NETW"]),
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


def _to_layers(head: _Head, numbers: NDArray[np.float32]) -> tuple[DenseLayer, ...]:
    layers: list[DenseLayer] = []
    start = 0
    for inputs, outputs in head.layers():
        middle, end = start + inputs * outputs, start + (inputs + 1) * outputs
        layers.append(DenseLayer(numbers[start:middle].reshape(inputs, outputs).copy(), numbers[middle:end].copy()))
        start = end
    return tuple(layers)
