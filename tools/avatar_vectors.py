"""The golden vectors of docs/avatar-format.md, for tools.regenerate_vectors."""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from codec.avatar_asset import AvatarAsset
from codec.avatar_file import avatar_id, pack_avatar, unpack_avatar
from codec.avatar_layout import SECTION
from codec.avatar_owner import likeness_digest, owner_of, with_owner
from codec.avatar_plan import CLASSES, SKIPPED_BLOCK, AvatarPlan, AvatarSteps
from codec.motion_basis import MOTIONS, MotionBasis
from codec.motion_table import STANDARD
from codec.planes import Predictor, to_planes

OWNER = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
"""The public key of the first test of RFC 8032, section 7.1."""


def small_asset() -> AvatarAsset:
    """Six Gaussians that use every feature of the format."""
    rng = np.random.default_rng(0)
    n = 6
    third = rng.integers(1, 300, (n, 2)) / 1023
    return AvatarAsset(
        head_model_id="0f" * 32,
        name="Ada Łovelace",
        shape_offsets=(rng.integers(-900, 900, (4, 3)) / 65_536).astype(np.float32),
        faces_bound=np.array([0, 5, 5, 9, 70_000, 70_001], np.int32),
        barycentrics=np.concatenate([third, 1 - third.sum(axis=1, keepdims=True)], axis=1).astype(np.float32),
        local_means=(rng.integers(-300, 300, (n, 3)) / 65_536).astype(np.float32),
        local_quats=np.array(
            [
                [1, 0, 0, 0],
                [0, -1, 0, 0],
                [0.5, 0.5, 0.5, 0.5],
                [0, 0.6, -0.8, 0],
                [0.28, 0, 0, 0.96],
                [-0.8, 0, 0, 0.6],
            ],
            np.float32,
        ),
        log_scales=(rng.integers(-260, -150, (n, 3)) / 32).astype(np.float32),
        logit_opacities=(rng.integers(-100, 200, n) / 32).astype(np.float32),
        sh0=rng.uniform(-1.7, 1.7, (n, 3)).astype(np.float32),
        rigid_to_skull=np.arange(n) % 2 == 0,
        grid_uv=(rng.integers(0, 2048, (n, 2)) / 2047).astype(np.float32),
        basis_grid=(rng.integers(-200, 200, (2, 9, 2, 2)) / 2**14).astype(np.float16),
        basis_weights=(rng.integers(-64, 64, (2, 25)) / 512).astype(np.float32),
    )


def small_v1() -> bytes:
    """An avatar file of version 1 that uses every feature of the format."""
    asset = small_asset()
    few = asset.count
    rows = np.arange(3 * few) % few
    names = ("local_quats", "log_scales", "logit_opacities", "sh0", "rigid_to_skull", "grid_uv")
    arrays = {name: getattr(asset, name)[rows] for name in names}
    means = np.random.default_rng(1).normal(0, 0.003, (len(rows), 3)).astype(np.float32)
    grid = np.random.default_rng(2).normal(0, 0.01, (2, 9, 5, 5)).astype(np.float16)
    asset = replace(
        asset,
        faces_bound=np.sort(asset.faces_bound[rows]),
        barycentrics=np.full((len(rows), 3), 1 / 3, np.float32),
        local_means=means,
        basis_grid=grid,
        **arrays,
    )
    exponents = np.zeros((3, 2, 2), np.uint8)
    exponents[:, 0, 1], exponents[:, 1, 1] = 2, SKIPPED_BLOCK
    classes = (np.arange(len(rows)) % CLASSES).astype(np.uint8)
    steps = AvatarSteps(grid=(1 << 17, 1 << 20, 1 << 20))
    asset = replace(asset, motion_basis=own_basis())
    return pack_avatar(asset, AvatarPlan(classes, exponents, np.ones((5, 5), np.bool_), steps))


def avatar_values(data: bytes) -> dict[str, object]:
    """What a reader must get from an avatar file, floats exactly."""
    asset = unpack_avatar(data)
    values = {name: plain(value) for name, value in vars(asset).items() if value is not None}
    owner = owner_of(data)
    names = {"owner": None if owner is None else owner.hex(), "likeness": likeness_digest(data)}
    return {"avatar_id": avatar_id(data), **names, **values}


def plain(value: Any) -> object:
    """A field of an avatar as JSON has it."""
    if isinstance(value, MotionBasis):
        return value.rows.tolist()
    return value if isinstance(value, str) else value.tolist()


def invalid_avatars(good: bytes) -> dict[str, bytes]:
    """File name to bytes."""
    first = 8 + 12 + struct.unpack_from("<I", good, 16)[0]  # of the section after HEAD
    second = first + 12 + struct.unpack_from("<I", good, first + 8)[0]

    def with_bytes(offset: int, value: bytes) -> bytes:
        return good[:offset] + value + good[offset + len(value) :]

    return {
        "magic": with_bytes(0, b"VAV0"),
        "version_1": with_bytes(4, b"\x01"),
        "truncated": good[:-1],
        "section_missing": good[:first] + good[second:],
        "section_twice": good + good[first:second],
        "head_not_first": good[:8] + good[first:second] + good[8:first] + good[second:],
        "coding_unknown": with_bytes(first + 4, b"\x02"),
        "predictor_unknown": with_bytes(first + 5, b"\x02"),
        "reserved_set": with_bytes(first + 6, b"\x01"),
        "zstd_damaged": with_bytes(first + 12, b"\x00\x00"),
        "gaussians_too_many": with_bytes(8 + 12 + 32, struct.pack("<I", 65_537)),
        "vertices_disagree": with_bytes(8 + 12 + 36, struct.pack("<I", 5)),
    }


@cache
def own_basis() -> MotionBasis:
    """The standard motions, moderately mixed, with other levels."""
    random = np.random.default_rng(53)
    mixed = (np.eye(MOTIONS) + random.normal(0, 0.05, (MOTIONS, MOTIONS))) @ STANDARD.directions
    return MotionBasis.nearest(mixed, np.array(STANDARD.usual) + 3)


def invalid_bases(good: bytes, start: int) -> dict[str, bytes]:
    """File name to bytes: a MOTN section at `start` with a gain of 0, and with a share of 128."""

    def with_rows(place: int, value: int) -> bytes:
        rows = own_basis().rows
        rows[0, place] = value
        stored = to_planes(rows, 2, Predictor.NONE)
        return good[:start] + SECTION.pack(b"MOTN", 0, 0, 0, len(stored)) + stored

    return {"motions_gain_0": with_rows(1, 0), "motions_share_128": with_rows(2, 128)}


def invalid_owners(good: bytes) -> dict[str, bytes]:
    """File name to bytes: OWNR sections where or as they must not be."""
    behind_head = 8 + 12 + struct.unpack_from("<I", good, 16)[0]
    section = owner_section(0, OWNER)

    def with_sections(*sections: bytes) -> bytes:
        return good[:behind_head] + b"".join(sections) + good[behind_head:]

    return {
        "owner_short": with_sections(owner_section(0, OWNER[:31])),
        "owner_coded": with_sections(owner_section(1, OWNER)),
        "owner_last": good + section,
        "owner_twice": with_sections(section, section),
    }


def owner_section(coding: int, key: bytes) -> bytes:
    """An OWNR section, valid or not."""
    return SECTION.pack(b"OWNR", coding, 0, 0, len(key)) + key


def write_avatars(folder: Path) -> None:
    """Writes all of them."""
    empty_folder(folder / "invalid")
    good = pack_avatar(small_asset())
    with_basis = pack_avatar(replace(small_asset(), motion_basis=own_basis()))
    files = {"small": good, "small_v1": small_v1(), "motions": with_basis}
    files |= {"owned": with_owner(good, OWNER), "owned_v1": with_owner(files["small_v1"], OWNER)}
    for name, data in files.items():
        (folder / f"{name}.vav").write_bytes(data)
        write_json(folder / f"{name}.json", avatar_values(data))
    invalid = invalid_avatars(good) | invalid_bases(with_basis, len(good)) | invalid_owners(files["small_v1"])
    for name, data in invalid.items():
        (folder / "invalid" / f"{name}.vav").write_bytes(data)


def empty_folder(folder: Path) -> None:
    """Makes a folder, or removes the files in it."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()


def write_json(path: Path, values: dict[str, object]) -> None:
    """Writes a JSON object, one line for each value."""
    lines = [f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}" for name, value in values.items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")
