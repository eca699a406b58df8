"""The golden vectors of version 1 of `.vap` files (docs/avatar-profiles.md), for tools.regenerate_vectors."""

from __future__ import annotations

import struct
from itertools import pairwise
from pathlib import Path

import numpy as np

from codec.avatar_layout import HEADER, SECTION
from codec.latent_avatar import (
    BARYCENTRIC_LEVELS,
    DIRECT,
    LATENTS,
    ROTATION_LATENTS,
    Decoders,
    LatentPaperAvatar,
    harmonic_blocks,
)
from codec.paper_avatar import INPUT_SIZE, OUTPUT_SIZE, DenseLayer
from codec.paper_v1_file import pack_latent, unpack_latent
from tools.avatar_vectors import empty_folder, plain, write_json

Sections = dict[bytes, tuple[int, int, bytes]]


def small_latent(gaussians: int = 70, coefficients: int = 3) -> LatentPaperAvatar:
    """A compressed avatar that uses every feature of the format."""
    random = np.random.default_rng(11)
    sizes = (INPUT_SIZE, 3, 2, OUTPUT_SIZE)

    def halves(*shape: int) -> np.ndarray:
        return (random.integers(-64, 65, shape) / 256).astype(np.float16)

    first = random.integers(0, BARYCENTRIC_LEVELS + 1, gaussians)
    latents = random.integers(-127, 128, (gaussians, LATENTS))
    latents[:, 1] = np.maximum(latents[:, 1], 20)
    rotation = np.concatenate([np.eye(ROTATION_LATENTS) / 64, np.full((1, 4), 0.125)]).astype(np.float16)
    return LatentPaperAvatar(
        head_model_id="5c" * 32,
        name="Ada ☼",
        shape=random.integers(-300, 300, (4, 3)),
        faces_bound=np.sort(np.concatenate([[0, 70_000], random.integers(0, 70_000, gaussians - 2)])),
        barycentrics=np.stack([first, (BARYCENTRIC_LEVELS - first) // 2], axis=1),
        direct=random.integers(-127, 128, (gaussians, DIRECT)),
        ranges=np.array([[0, 0.25, -0.25, -6, -6, -5.5], [1 / 64] * 3 + [1 / 32] * 3], np.float32),
        latents=latents,
        decoders=Decoders(
            halves(harmonic_blocks(gaussians), 2, 3 * coefficients), rotation, np.array([[0.0625], [0.5]], np.float16)
        ),
        layers=tuple(DenseLayer(halves(a, b), halves(b)) for a, b in pairwise(sizes)),
    )


def latent_values(data: bytes) -> dict[str, object]:
    """What a reader must get from a file, floats exactly."""
    avatar = unpack_latent(data).avatar()
    values = {name: plain(value) for name, value in vars(avatar).items() if name != "layers"}
    return {**values, "layers": [[layer.weights.tolist(), layer.bias.tolist()] for layer in avatar.layers]}


def split_file(data: bytes) -> Sections:
    """Tag to coding, kind and content of each section."""
    sections: Sections = {}
    offset = HEADER.size
    while offset < len(data):
        tag, coding, kind, _, size = SECTION.unpack_from(data, offset)
        sections[tag] = (coding, kind, data[offset + SECTION.size : offset + SECTION.size + size])
        offset += SECTION.size + size
    return sections


def join_file(header: bytes, sections: Sections) -> bytes:
    """Inverse of `split_file`."""
    parts = [SECTION.pack(tag, coding, kind, 0, len(c)) + c for tag, (coding, kind, c) in sections.items()]
    return header + b"".join(parts)


def invalid_latents(good: bytes) -> dict[str, bytes]:
    """File name to bytes."""
    header, sections = good[: HEADER.size], split_file(good)

    def with_section(tag: bytes, content: bytes, coding: int | None = None, kind: int = 0) -> bytes:
        usual = sections[tag][0] if coding is None else coding
        return join_file(header, {**sections, tag: (usual, kind, content)})

    head, decoders = sections[b"HEAD"][2], sections[b"DECO"][2]
    rotation = len(decoders) - 2 * (2 + 4 * (ROTATION_LATENTS + 1))
    without = {tag: content for tag, content in sections.items() if tag != b"GAUS"}
    first = {b"RANG": sections[b"RANG"], **{tag: one for tag, one in sections.items() if tag != b"RANG"}}
    huge = struct.pack(f"<{2 * DIRECT}f", *[1e38] * (2 * DIRECT))
    return {
        "version_2": good[:4] + b"\x02" + good[5:],
        "flags_set": good[:6] + b"\x01" + good[7:],
        "truncated": good[:-1],
        "section_missing": join_file(header, without),
        "section_twice": good + join_file(b"", {b"RANG": sections[b"RANG"]}),
        "head_not_first": join_file(header, first),
        "coding_unknown": with_section(b"GAUS", sections[b"GAUS"][2], coding=1),
        "kind_set": with_section(b"GAUS", sections[b"GAUS"][2], kind=1),
        "gaussians_too_many": with_section(b"HEAD", head[:32] + struct.pack("<I", 16_385) + head[36:]),
        "gaussians_disagree": with_section(b"HEAD", head[:32] + struct.pack("<I", 69) + head[36:]),
        "no_harmonics": with_section(b"HEAD", head[:40] + b"\x00" + head[41:]),
        "ranges_not_finite": with_section(b"RANG", b"\x00\x00\xc0\x7f" + sections[b"RANG"][2][4:]),
        "ranges_huge": with_section(b"RANG", huge),
        "decoders_short": with_section(b"DECO", decoders[:-2]),
        "decoders_infinite": with_section(b"DECO", b"\x00\x7c" + decoders[2:]),
        "rotation_none": with_section(b"DECO", decoders[:rotation] + bytes(40) + decoders[-4:]),
        "network_short": with_section(b"NETW", sections[b"NETW"][2][:-1]),
        "symbols_truncated": with_section(b"GAUS", sections[b"GAUS"][2][:-2]),
    }


def write_papers(folder: Path) -> None:
    """Writes all of them."""
    empty_folder(folder / "invalid")
    good = pack_latent(small_latent())
    (folder / "small_v1.vap").write_bytes(good)
    write_json(folder / "small_v1.json", latent_values(good))
    for name, data in invalid_latents(good).items():
        (folder / "invalid" / f"{name}.vap").write_bytes(data)
