"""Files of compressed avatars of profile `paper` (`.vap`), version 1: docs/avatar-profiles.md."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from codec.avatar_layout import HEADER, MAX_FACES, SECTION, split_sections
from codec.errors import AvatarFileError
from codec.latent_avatar import (
    BARYCENTRIC_LEVELS,
    DIRECT,
    LATENTS,
    MAX_DIRECT,
    MAX_LATENT,
    MAX_SHAPE,
    ROTATION_LATENTS,
    Decoders,
    LatentPaperAvatar,
    Symbols,
    harmonic_blocks,
)
from codec.paper_head import MAX_PAPER_BYTES, PAPER_MAGIC, PaperHead, network_layers, network_numbers
from codec.planes import compress, decompress
from codec.symbol_stream import pack_symbols, unpack_symbols, unzigzag, zigzag

PAPER_V1 = 1
CODING_STORED, CODING_ZSTD, CODING_SYMBOLS = 0, 1, 2
CODINGS = {
    "HEAD": CODING_STORED,
    "RANG": CODING_STORED,
    "DECO": CODING_STORED,
    "SHAP": CODING_SYMBOLS,
    "BIND": CODING_SYMBOLS,
    "GAUS": CODING_SYMBOLS,
    "NETW": CODING_ZSTD,
}
"""Sections in the order of the file, and how each is coded."""

ATTRIBUTE_SECTIONS = ("RANG", "DECO", "GAUS")
"""What the paper counts of the Gaussians: it does not count where they sit."""
NETWORK_SECTION = "NETW"


def pack_latent(avatar: LatentPaperAvatar) -> bytes:
    """Serializes a compressed avatar.

    Raises:
        AvatarFileError: arrays do not fit together, or a value is out of its range.
    """
    head = _head(avatar)
    count = head.gaussians
    shapes = {
        "shape": (head.vertices, 3),
        "faces_bound": (count,),
        "barycentrics": (count, 2),
        "direct": (count, DIRECT),
        "ranges": (2, DIRECT),
        "latents": (count, LATENTS),
    }
    for name, shape in shapes.items():
        if getattr(avatar, name).shape != shape:
            raise AvatarFileError(f"The avatar's {name} have shape {getattr(avatar, name).shape}, expected {shape}")
    bound = np.concatenate([np.diff(avatar.faces_bound, prepend=0)[:, None], avatar.barycentrics], axis=1)
    if bound.min() < 0:
        raise AvatarFileError("The avatar's Gaussians are not sorted by their triangles")
    with np.errstate(over="ignore"):  # what exceeds float16 becomes infinite, which is refused below
        network = network_numbers(head, avatar.layers).astype("<f2").tobytes()
    parts = {
        "HEAD": head.pack(),
        "RANG": avatar.ranges.astype("<f4").tobytes(),
        "DECO": b"".join(part.astype("<f2").tobytes() for part in avatar.decoders.parts()),
        "SHAP": _pack_columns(zigzag(np.diff(avatar.shape, axis=0, prepend=0))),
        "BIND": _pack_columns(bound),
        "GAUS": _pack_columns(zigzag(np.concatenate([avatar.direct, avatar.latents], axis=1))),
        "NETW": compress(network),
    }
    data = HEADER.pack(PAPER_MAGIC, PAPER_V1, 0) + b"".join(
        SECTION.pack(tag.encode(), CODINGS[tag], 0, 0, len(part)) + part for tag, part in parts.items()
    )
    unpack_latent(data).avatar()  # what nobody could read is not written
    return data


def unpack_latent(data: bytes) -> LatentPaperAvatar:
    """Parses a file from anywhere; memory is bounded by the format's limits before it is used.

    Raises:
        AvatarFileError: the file breaks any rule of docs/avatar-profiles.md.
    """
    content: dict[str, bytes] = {}
    for number, (tag, coding, kind, stored) in enumerate(split_sections(data, PAPER_MAGIC, PAPER_V1, MAX_PAPER_BYTES)):
        if (tag == "HEAD") != (number == 0):
            raise AvatarFileError("The avatar file does not begin with its HEAD section")
        if tag not in CODINGS:
            continue
        if coding != CODINGS[tag] or kind:
            raise AvatarFileError(f"The avatar file's {tag} section has an unknown coding or a reserved byte set")
        if tag in content:
            raise AvatarFileError(f"The avatar file has two {tag} sections")
        content[tag] = stored
    missing = [tag for tag in CODINGS if tag not in content]
    if missing:
        raise AvatarFileError(f"The avatar file lacks its {', '.join(missing)} section")
    head = PaperHead.unpack(content["HEAD"])
    if not head.coefficients:
        raise AvatarFileError("The avatar has 0 harmonics; version 1 holds those with 3, 8 or 15")
    gaussians = unzigzag(_unpack_columns(content["GAUS"], head.gaussians, DIRECT + LATENTS))
    faces, barycentrics = _unpack_binding(content["BIND"], head)
    latents = gaussians[:, DIRECT:]
    _check("GAUS", gaussians[:, :DIRECT], MAX_DIRECT)
    _check("GAUS", latents, MAX_LATENT)
    shape = np.cumsum(unzigzag(_unpack_columns(content["SHAP"], head.vertices, 3)), axis=0)
    _check("SHAP", shape, MAX_SHAPE)
    network = np.frombuffer(decompress(content["NETW"], 2 * head.weights), "<f2")
    return LatentPaperAvatar(
        head_model_id=head.head_model_id,
        name=head.name,
        shape=shape,
        faces_bound=faces,
        barycentrics=barycentrics,
        direct=gaussians[:, :DIRECT],
        ranges=_numbers("RANG", content["RANG"], "<f4", 2 * DIRECT).astype(np.float32).reshape(2, DIRECT),
        latents=latents,
        decoders=_unpack_decoders(content["DECO"], head),
        layers=network_layers(head, _finite("NETW", network).astype(np.float32)),
    )


def section_bytes(data: bytes) -> dict[str, int]:
    """How many bytes the content of each section of a file takes."""
    return {tag: len(stored) for tag, _, _, stored in split_sections(data, PAPER_MAGIC, PAPER_V1, MAX_PAPER_BYTES)}


def _head(avatar: LatentPaperAvatar) -> PaperHead:
    widths = tuple(len(layer.bias) for layer in avatar.layers[:-1])
    coefficients, rest = divmod(avatar.decoders.harmonics.shape[-1], 3)
    wanted = [(harmonic_blocks(len(avatar.faces_bound)), 2, 3 * coefficients), (ROTATION_LATENTS + 1, 4), (2, 1)]
    if rest or not coefficients or [part.shape for part in avatar.decoders.parts()] != wanted:
        raise AvatarFileError("The avatar's decoders do not have the shapes that the format holds")
    return PaperHead(
        avatar.head_model_id, avatar.name, len(avatar.faces_bound), len(avatar.shape), coefficients, widths
    )


def _unpack_binding(data: bytes, head: PaperHead) -> tuple[Symbols, Symbols]:
    bound = _unpack_columns(data, head.gaussians, 3)
    faces = np.cumsum(bound[:, 0])
    if faces[-1] >= MAX_FACES:
        raise AvatarFileError("The avatar file's BIND section names a triangle out of range")
    if bound[:, 1:].sum(axis=1).max() > BARYCENTRIC_LEVELS:
        raise AvatarFileError("The avatar file's BIND section holds barycentrics that exceed 1")
    return faces, bound[:, 1:]


def _unpack_decoders(data: bytes, head: PaperHead) -> Decoders:
    shape = (harmonic_blocks(head.gaussians), 2, 3 * head.coefficients)
    size, rotation = shape[0] * shape[1] * shape[2], 4 * (ROTATION_LATENTS + 1)
    numbers = _numbers("DECO", data, "<f2", size + rotation + 2).astype(np.float16)
    harmonics, turns, opacity = np.split(numbers, [size, size + rotation])
    return Decoders(harmonics.reshape(shape), turns.reshape(-1, 4), opacity.reshape(2, 1))


def _numbers(tag: str, data: bytes, kind: str, count: int) -> NDArray[np.floating]:
    if len(data) != count * np.dtype(kind).itemsize:
        raise AvatarFileError(f"The avatar file's {tag} section has the wrong size")
    return _finite(tag, np.frombuffer(data, kind))


def _finite(tag: str, numbers: NDArray[np.floating]) -> NDArray[np.floating]:
    if not np.isfinite(numbers).all():
        raise AvatarFileError(f"The avatar file's {tag} section holds a number that is not finite")
    return numbers


def _check(tag: str, symbols: Symbols, limit: int) -> None:
    if np.abs(symbols).max() > limit:
        raise AvatarFileError(f"The avatar file's {tag} section holds a value out of its range")


def _pack_columns(values: Symbols) -> bytes:
    """[n, C] integers of at least 0, column after column; each column has a context."""
    return pack_symbols(values.T.ravel(), _contexts(*values.shape), values.shape[1])


def _unpack_columns(data: bytes, rows: int, columns: int) -> Symbols:
    return unpack_symbols(data, _contexts(rows, columns), columns).reshape(columns, rows).T


def _contexts(rows: int, columns: int) -> Symbols:
    return np.repeat(np.arange(columns), rows)
