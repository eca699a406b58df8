"""Sections and limits of avatar files, and the steps of version 0 (docs/avatar-format.md has the same tables)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from codec.avatar_asset import BASIS_CHANNELS, MAX_BASES, MAX_GAUSSIANS
from codec.errors import AvatarFileError
from codec.motion_basis import COLUMNS, MOTIONS
from codec.params import EXPRESSION_DIMS

MAGIC = b"\x89VAV"
VERSION = 0
VERSION_1 = 1
MAX_AVATAR_BYTES = 4 * 1024 * 1024
MAX_SECTIONS = 64
MAX_VERTICES = 65_536
MAX_FACES = 1 << 20
MAX_GRID_SIZE = 128
MAX_GRID_VALUES = 1 << 21
MAX_NAME_CHARACTERS = 64
MAX_BASIS_WEIGHT = 1e4

POSITION_STEP = 2.0**-16  # metres, 15 um
BARYCENTRIC_LEVELS = 1023
COLOR_LEVELS = 512  # per unit of sRGB: a quarter of an 8-bit level of error
LOG_SCALE_LEVELS = 32  # per e-fold: 1.6 % of error
LOGIT_LEVELS = 32
QUAT_LEVELS = 256  # at most 0.8 degrees of error
GRID_UV_LEVELS = 2047
GRID_STEPS = (2.0**-16,) * 3 + (2.0**-9,) * 3 + (2.0**-8,) * 3  # position, rotation, color channels of a basis

MAX_COLOR_SYMBOL = 8 * COLOR_LEVELS
MIN_LOG_SCALE_SYMBOL = -16 * LOG_SCALE_LEVELS
MAX_LOGIT_SYMBOL = 16 * LOGIT_LEVELS
MAX_QUAT_SYMBOL = 182
MAX_GRID_EXPONENT = 12

OPTIONAL = {"MOTN": (MOTIONS, COLUMNS, 2)}
"""(rows, columns, bytes per integer) of sections that may be missing, in the order in which they end a file."""

Section = tuple[str, int, int, bytes]
"""Tag, coding, predictor, stored bytes."""

HEADER = struct.Struct("<4sHH")
SECTION = struct.Struct("<4sBBHI")
HEAD = struct.Struct("<32sIIHHHBB")


@dataclass(frozen=True)
class AvatarHeader:
    """Content of the HEAD section: everything that decides how large the other sections are.

    Args:
        head_model_id: hex SHA-256.
        name: at most MAX_NAME_CHARACTERS printable characters.
        gaussians: N. vertices: V. bases: K. grid_size: G. expression_dims: E.

    Raises:
        AvatarFileError: a number is out of its limits.
    """

    head_model_id: str
    name: str
    gaussians: int
    vertices: int
    bases: int
    grid_size: int
    expression_dims: int

    def __post_init__(self) -> None:
        if len(self.name) > MAX_NAME_CHARACTERS or not self.name.isprintable():
            raise AvatarFileError(f"The avatar's name must be at most {MAX_NAME_CHARACTERS} printable characters")
        if len(self.head_model_id) != 64 or set(self.head_model_id) - set("0123456789abcdef"):
            raise AvatarFileError("The avatar's head model id is not a hex SHA-256")
        limits = (
            ("Gaussians", self.gaussians, 1, MAX_GAUSSIANS),
            ("vertices", self.vertices, 3, MAX_VERTICES),
            ("bases", self.bases, 0, MAX_BASES),
            ("grid cells a side", self.grid_size, 0 if self.bases == 0 else 1, MAX_GRID_SIZE),
        )
        for what, value, low, high in limits:
            if not low <= value <= high:
                raise AvatarFileError(f"The avatar has {value} {what}; {low} to {high} are allowed")
        if self.bases * BASIS_CHANNELS * self.grid_size**2 > MAX_GRID_VALUES:
            raise AvatarFileError(f"The avatar's bases have more than {MAX_GRID_VALUES} values")
        if self.expression_dims not in EXPRESSION_DIMS:
            raise AvatarFileError(f"The avatar names {self.expression_dims} expression directions")

    def pack(self) -> bytes:
        """The bytes of the HEAD section."""
        name = self.name.encode()
        if len(name) > 255:
            raise AvatarFileError("The avatar's name takes more than 255 bytes of UTF-8")
        sizes = (self.gaussians, self.vertices, self.bases, self.grid_size, self.expression_dims)
        return HEAD.pack(bytes.fromhex(self.head_model_id), *sizes, len(name), 0) + name

    @staticmethod
    def unpack(data: bytes) -> AvatarHeader:
        """Parses and checks a HEAD section.

        Raises:
            AvatarFileError: wrong length, reserved byte set, or numbers out of their limits.
        """
        if len(data) < HEAD.size:
            raise AvatarFileError("The avatar file's HEAD section is too short")
        model, gaussians, vertices, bases, grid_size, expression_dims, name_bytes, reserved = HEAD.unpack_from(data)
        if len(data) != HEAD.size + name_bytes or reserved:
            raise AvatarFileError("The avatar file's HEAD section has the wrong length or a reserved byte set")
        try:
            name = data[HEAD.size :].decode()
        except UnicodeDecodeError as error:
            raise AvatarFileError("The avatar's name is not UTF-8") from error
        return AvatarHeader(bytes(model).hex(), name, gaussians, vertices, bases, grid_size, expression_dims)

    def sections(self) -> dict[str, tuple[int, int, int]]:
        """(rows, columns, bytes per integer) of each section that must follow HEAD, in the order of the file."""
        n = self.gaussians
        return {
            "SHAP": (self.vertices, 3, 2),
            "FACE": (n, 1, 4),
            "BARY": (n, 2, 2),
            "COLR": (n, 3, 2),
            "SCAL": (n, 3, 2),
            "OPAC": (n, 1, 2),
            "MEAN": (n, 3, 2),
            "QUAT": (n, 4, 2),
            "RIGD": (n, 1, 1),
            "GRUV": (n, 2, 2),
            "BEXP": (self.bases, 1, 1),
            "BWGT": (self.bases, self.expression_dims + 15, 4),
            "BGRD": (self.grid_size**2, self.bases * BASIS_CHANNELS, 2),
        }


def version_of(data: bytes) -> int:
    """The version that the header of an avatar file states; -1 if there is no header."""
    return HEADER.unpack_from(data)[1] if len(data) >= HEADER.size else -1


def split_sections(data: bytes, magic: bytes, version: int, max_bytes: int, *, partial: bool = False) -> list[Section]:
    """Each section of a file that is laid out as docs/avatar-format.md says.

    Args:
        data: from anywhere.
        magic: first four bytes that the file must have.
        version: that it must have.
        max_bytes: that it may have.
        partial: whether it may end anywhere behind its header; a section that is not all there is left out.

    Raises:
        AvatarFileError: it is too large, of another kind or version, damaged, or has too many sections.
    """
    if len(data) > max_bytes:
        raise AvatarFileError(f"The avatar file has {len(data)} bytes; {max_bytes} are allowed")
    if len(data) < HEADER.size or data[:4] != magic:
        raise AvatarFileError("This is not an avatar file")
    _, found, flags = HEADER.unpack_from(data)
    if found != version or flags:
        raise AvatarFileError(f"The avatar file has version {found}; this program reads version {version}")
    sections: list[Section] = []
    offset = HEADER.size
    while offset < len(data):
        if len(sections) == MAX_SECTIONS:
            raise AvatarFileError(f"The avatar file has more than {MAX_SECTIONS} sections")
        if offset + SECTION.size > len(data):
            if partial:
                break
            raise AvatarFileError("The avatar file is truncated")
        tag, coding, kind, reserved, size = SECTION.unpack_from(data, offset)
        offset += SECTION.size
        if size > len(data) - offset:
            if partial:
                break
            raise AvatarFileError("The avatar file is truncated")
        if reserved:
            raise AvatarFileError("The avatar file sets a reserved field")
        sections.append((tag.decode("latin-1"), coding, kind, data[offset : offset + size]))
        offset += size
    return sections
