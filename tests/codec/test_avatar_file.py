from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import fields, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyzstd
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.avatar_asset import MAX_GAUSSIANS, AvatarAsset
from codec.avatar_file import MAX_AVATAR_BYTES, pack_avatar, unpack_avatar
from codec.errors import AvatarFileError
from codec.planes import Predictor, compress, decompress, from_planes, to_planes
from tools.avatar_vectors import own_basis

Factory = Callable[..., AvatarAsset]

AVATARS = Path(__file__).parents[1] / "vectors" / "avatar"
SMALL = (AVATARS / "small.vav").read_bytes()

TOLERANCES = {
    "shape_offsets": 2**-17,
    "faces_bound": 0,
    "barycentrics": 1.01 / 1023,
    "local_means": 2**-17,
    "log_scales": 1 / 64,
    "logit_opacities": 1 / 64,
    "sh0": 0.51 / 512 / 0.28209479,
    "rigid_to_skull": 0,
    "grid_uv": 0.51 / 2047,
    "basis_weights": 0,
}


def assert_close(asset: AvatarAsset, decoded: AvatarAsset) -> None:
    assert decoded.head_model_id == asset.head_model_id
    assert decoded.name == asset.name
    assert decoded.motion_basis == asset.motion_basis
    for field in fields(asset)[2:]:
        wanted, found = getattr(asset, field.name), getattr(decoded, field.name)
        if field.name == "motion_basis":
            continue
        assert found.dtype == wanted.dtype, field.name
        assert found.shape == wanted.shape, field.name
        if field.name in TOLERANCES:
            error = np.abs(found.astype(float) - wanted.astype(float)).max(initial=0)
            assert error <= TOLERANCES[field.name] * 1.001, (field.name, error)
    cosines = np.abs((asset.local_quats * decoded.local_quats).sum(axis=1))
    assert np.rad2deg(2 * np.arccos(np.minimum(cosines, 1))).max(initial=0) < 0.8
    np.testing.assert_allclose(np.linalg.norm(decoded.local_quats, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(decoded.barycentrics.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize(("gaussians", "bases", "grid"), [(1, 0, 0), (40, 2, 3), (3000, 5, 16)])
def test_what_is_packed_comes_back_within_the_documented_steps(
    asset_factory: Factory, gaussians: int, bases: int, grid: int
) -> None:
    asset = asset_factory(gaussians=gaussians, bases=bases, grid=grid)
    decoded = unpack_avatar(pack_avatar(asset))
    assert_close(asset, decoded)
    visible = 2 * np.linalg.norm(asset.basis_weights[:, :50], axis=1)[:, None, None, None]
    error = np.abs(decoded.basis_grid.astype(float) - asset.basis_grid.astype(float)) * visible
    for channels, step in ((slice(0, 3), 2**-16), (slice(3, 6), 2**-9), (slice(6, 9), 2**-8)):
        assert error[:, channels].max(initial=0) <= step * 1.01


def test_bases_of_any_scale_keep_their_visible_precision(asset_factory: Factory) -> None:
    asset = asset_factory(bases=3, grid=4)
    factor = np.array([1.0, 256.0, 1 / 256], np.float32)
    scaled = replace(
        asset,
        basis_grid=(asset.basis_grid * factor[:, None, None, None]).astype(np.float16),
        basis_weights=asset.basis_weights / factor[:, None],
    )
    decoded = unpack_avatar(pack_avatar(scaled))
    error = np.abs(decoded.basis_grid[:, :3] - scaled.basis_grid[:, :3]) / factor[:, None, None, None]
    assert error.max() < 2e-5


def test_bases_that_only_pose_jaw_or_eyelids_drive_keep_theirs_too(asset_factory: Factory) -> None:
    asset = asset_factory(bases=3, grid=4)
    weights = np.zeros_like(asset.basis_weights)
    weights[0, -14], weights[1, -9], weights[2, -6] = 5.0, 7.0, 2.0  # yaw, jaw, an eyelid
    driven = replace(asset, basis_weights=weights)
    decoded = unpack_avatar(pack_avatar(driven))
    error = np.abs(decoded.basis_grid.astype(float) - driven.basis_grid.astype(float))
    for channels, step in ((slice(0, 3), 2**-16), (slice(3, 6), 2**-9), (slice(6, 9), 2**-8)):
        assert error[:, channels].max() <= step * 1.01


def test_quaternions_of_either_sign_and_ties_survive(asset_factory: Factory) -> None:
    magnitudes = np.array([(1, 1, 1, 1), (0, 0, 0, 1), (1, 1, 0, 0), (0, 1, 0, 1)])
    signs = np.array(list(product((-1, 1), repeat=4)))
    corners = (magnitudes[:, None] * signs[None]).reshape(-1, 4).astype(np.float32)
    asset = replace(asset_factory(gaussians=len(corners)), local_quats=corners)
    decoded = unpack_avatar(pack_avatar(asset)).local_quats
    unit = corners / np.linalg.norm(corners, axis=1, keepdims=True)
    assert np.abs((unit * decoded).sum(axis=1)).min() > 0.99998


def test_a_large_smooth_avatar_is_small(asset_factory: Factory) -> None:
    asset = asset_factory(gaussians=15_000, vertices=4_900, bases=0, grid=0)
    assert len(pack_avatar(asset)) < 350_000


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("local_means", np.nan),
        ("local_means", 0.6),
        ("sh0", np.inf),
        ("log_scales", 0.5),
        ("local_quats", 0.0),
        ("barycentrics", 0.5),
        ("grid_uv", 1.5),
        ("basis_weights", np.nan),
        ("basis_weights", 1e6),
        ("basis_grid", np.inf),
        ("faces_bound", -1),
    ],
)
def test_an_asset_that_the_format_cannot_hold_is_refused(asset_factory: Factory, field: str, value: float) -> None:
    asset = asset_factory()
    array = getattr(asset, field).copy()
    array[0] = value
    with pytest.raises(AvatarFileError):
        pack_avatar(replace(asset, **{field: array}))


@pytest.mark.parametrize(
    "changes",
    [
        {"head_model_id": "open-head"},
        {"name": "x" * 65},
        {"name": "line\nbreak"},
        {"local_means": np.zeros((3, 3), np.float32)},
        {"basis_weights": np.zeros((2, 64), np.float32)},
    ],
)
def test_an_asset_whose_parts_do_not_fit_is_refused(asset_factory: Factory, changes: dict[str, Any]) -> None:
    with pytest.raises(AvatarFileError):
        pack_avatar(replace(asset_factory(), **changes))


def sections_of(data: bytes) -> list[bytes]:
    parts, offset = [data[:8]], 8
    while offset < len(data):
        size = 12 + struct.unpack_from("<I", data, offset + 8)[0]
        parts.append(data[offset : offset + size])
        offset += size
    return parts


def test_unknown_sections_are_skipped_and_order_after_head_is_free(asset_factory: Factory) -> None:
    asset = asset_factory()
    header, head, *rest = sections_of(pack_avatar(asset))
    extra = struct.pack("<4sBBHI", b"XTRA", 9, 9, 0, 3) + b"abc"
    assert_close(asset, unpack_avatar(b"".join([header, head, extra, *reversed(rest)])))


def test_a_persons_own_motions_come_back_and_may_be_missing(asset_factory: Factory) -> None:
    asset = asset_factory()
    own = replace(asset, motion_basis=own_basis())
    plain, data = pack_avatar(asset), pack_avatar(own)
    assert data.startswith(plain)  # readers that know no MOTN find the avatar that they know
    assert 1000 < len(data) - len(plain) < 4000
    assert_close(own, unpack_avatar(data))
    with pytest.raises(AvatarFileError, match="two MOTN"):
        unpack_avatar(data + data[len(plain) :])
    with pytest.raises(AvatarFileError, match="MOTN section holds"):
        unpack_avatar((AVATARS / "invalid" / "motions_gain_0.vav").read_bytes())


def test_every_truncation_is_refused(asset_factory: Factory) -> None:
    data = pack_avatar(asset_factory(gaussians=5, vertices=3, bases=1, grid=2))
    for end in range(len(data)):
        with pytest.raises(AvatarFileError):
            unpack_avatar(data[:end])


def header_with(asset: AvatarAsset, offset: int, value: bytes) -> bytes:
    data = bytearray(pack_avatar(asset))
    data[8 + 12 + offset : 8 + 12 + offset + len(value)] = value
    return bytes(data)


def test_broken_structure_is_refused(asset_factory: Factory) -> None:
    asset = asset_factory()
    good = pack_avatar(asset)
    header, head, *rest = sections_of(good)
    zeros = pyzstd.compress(bytes(64 << 20))
    bomb = struct.pack("<4sBBHI", b"SHAP", 1, 0, 0, len(zeros)) + zeros
    broken = {
        "not an avatar file": b"PK" + good[2:],
        "version": good[:4] + b"\x02" + good[5:],
        "begin with its HEAD": header + b"".join(rest) + head,
        "two SHAP": good + rest[0],
        "lacks its SHAP": b"".join([header, head, *rest[1:]]),
        "does not decompress": b"".join([header, head, bomb, *rest[1:]]),
        "unknown coding": b"".join([header, head, rest[0][:4] + b"\x07" + rest[0][5:], *rest[1:]]),
        "unknown predictor": b"".join([header, head, rest[0][:5] + b"\x07" + rest[0][6:], *rest[1:]]),
        "sections": good + b"".join(struct.pack("<4sBBHI", b"XTRA", 0, 0, 0, 0) for _ in range(60)),
        "Gaussians": header_with(asset, 32, struct.pack("<I", MAX_GAUSSIANS + 1)),
        "vertices": header_with(asset, 36, struct.pack("<I", 1 << 31)),
        "bases": header_with(asset, 40, struct.pack("<HH", 64, 128)),
        "expression": header_with(asset, 44, struct.pack("<H", 11)),
        "UTF-8": header_with(asset, 48, b"\xff"),
        "are allowed": good + bytes(MAX_AVATAR_BYTES),
    }
    for words, data in broken.items():
        with pytest.raises(AvatarFileError, match=words):
            unpack_avatar(data)


@settings(max_examples=150)
@given(st.data())
def test_damage_raises_avatar_file_error_or_yields_a_sane_avatar(data: st.DataObject) -> None:
    good = bytearray(SMALL)
    for _ in range(data.draw(st.integers(1, 4))):
        good[data.draw(st.integers(0, len(good) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        asset = unpack_avatar(bytes(good))
    except AvatarFileError:
        return
    for array in (getattr(asset, field.name) for field in fields(asset)[2:] if field.name != "motion_basis"):
        assert np.isfinite(array).all()
    assert (asset.barycentrics >= 0).all()


@given(st.binary(max_size=200))
def test_random_bytes_raise_avatar_file_error(data: bytes) -> None:
    for candidate in (data, SMALL[:8] + data, SMALL[:70] + data):
        with pytest.raises(AvatarFileError):
            unpack_avatar(candidate)


@given(
    st.integers(1, 4).flatmap(
        lambda width: st.tuples(
            st.just(width),
            st.lists(
                st.tuples(*[st.integers(-(1 << (8 * width - 1)), (1 << (8 * width - 1)) - 1)] * 2),
                min_size=1,
                max_size=9,
            ),
        )
    ),
    st.sampled_from(Predictor),
)
def test_planes_are_exact(case: tuple[int, list[tuple[int, int]]], predictor: Predictor) -> None:
    width, rows = case
    values = np.array(rows, np.int64)
    data = to_planes(values, width, predictor)
    assert len(data) == values.size * width
    np.testing.assert_array_equal(from_planes(data, len(rows), 2, width, predictor), values)


@pytest.mark.parametrize("size", [0, 1, 300_000])
def test_decompress_wants_the_stated_size_exactly(size: int) -> None:
    data = compress(bytes(size))
    assert decompress(data, size) == bytes(size)
    for wrong, frame in ((size + 1, data), (size, data + b"x"), (size, data[:-1]), (size // 2, data)):
        if wrong != size or frame != data:
            with pytest.raises(AvatarFileError):
                decompress(frame, wrong)
