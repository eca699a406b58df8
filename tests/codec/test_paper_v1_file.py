"""Compressed avatars of profile `paper`: bytes, limits, and the golden file."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codec.errors import AvatarFileError
from codec.latent_avatar import MAX_DIRECT, MAX_LATENT, MAX_SHAPE, Decoders, LatentPaperAvatar, decode
from codec.paper_file import unpack_paper_avatar
from codec.paper_v1_file import ATTRIBUTE_SECTIONS, pack_latent, section_bytes, unpack_latent
from codec.planes import compress
from tools.paper_vectors import invalid_latents, join_file, latent_values, small_latent, split_file

VECTORS = Path(__file__).parents[1] / "vectors" / "paper"


def assert_same(found: LatentPaperAvatar, wanted: LatentPaperAvatar) -> None:
    for field in fields(wanted):
        a, b = getattr(found, field.name), getattr(wanted, field.name)
        if isinstance(b, np.ndarray):
            np.testing.assert_array_equal(a, b, err_msg=field.name)
    assert (found.name, found.head_model_id) == (wanted.name, wanted.head_model_id)
    for a, b in zip(found.decoders.parts(), wanted.decoders.parts(), strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(found.layers, wanted.layers, strict=True):
        np.testing.assert_array_equal(a.weights, b.weights)
        np.testing.assert_array_equal(a.bias, b.bias)


@pytest.mark.parametrize(("gaussians", "coefficients"), [(2, 3), (64, 8), (700, 15)])
def test_what_is_packed_comes_back(gaussians: int, coefficients: int) -> None:
    avatar = small_latent(gaussians, coefficients)
    data = pack_latent(avatar)
    assert_same(unpack_latent(data), avatar)
    assert unpack_paper_avatar(data).sh_rest.shape == (gaussians, coefficients, 3)
    assert len(data) == 8 + sum(12 + size for size in section_bytes(data).values())
    assert set(ATTRIBUTE_SECTIONS) < set(section_bytes(data))


def test_values_are_those_of_the_document() -> None:
    small = small_latent()
    avatar = small.avatar()
    direct = small.ranges[0] + small.direct * small.ranges[1]
    np.testing.assert_array_equal(avatar.sh0, direct[:, :3].astype(np.float32))
    np.testing.assert_array_equal(avatar.log_scales, direct[:, 3:].astype(np.float32))
    np.testing.assert_array_equal(avatar.logit_opacities, np.float32(0.0625) * small.latents[:, 5] + np.float32(0.5))
    np.testing.assert_array_equal(avatar.shape_offsets, (small.shape / 16_384).astype(np.float32))
    quats = small.latents[:, 1:5] / 64 + 0.125
    np.testing.assert_allclose(avatar.quats, quats / np.linalg.norm(quats, axis=1, keepdims=True), atol=1e-7)
    for row in (0, 63, 64, 69):
        weights, bias = small.decoders.harmonics[row // 64].astype(float)
        harmonics = small.latents[row, 0] * weights + bias
        np.testing.assert_allclose(avatar.sh_rest[row].ravel(), harmonics, atol=1e-6)
    np.testing.assert_allclose(avatar.barycentrics.sum(axis=1), 1, atol=1e-6)
    assert avatar.barycentrics.min() >= 0


@given(st.lists(st.integers(-MAX_LATENT, MAX_LATENT), min_size=4, max_size=4), st.integers(0, 2**32 - 1))
def test_decoders_are_linear_maps(latents: list[int], seed: int) -> None:
    decoder = np.random.default_rng(seed).normal(size=(5, 3)).astype(np.float16)
    wanted = np.array(latents) @ decoder[:4].astype(float) + decoder[4]
    np.testing.assert_allclose(decode(np.array([latents]), decoder)[0], wanted, atol=1e-9)


def test_the_golden_file_decodes_to_its_values() -> None:
    assert latent_values((VECTORS / "small_v1.vap").read_bytes()) == json.loads(
        (VECTORS / "small_v1.json").read_text("utf-8")
    )


def test_the_golden_file_holds_what_the_script_makes() -> None:
    assert_same(unpack_latent((VECTORS / "small_v1.vap").read_bytes()), small_latent())


@pytest.mark.parametrize("path", sorted((VECTORS / "invalid").iterdir()), ids=lambda path: path.stem)
def test_invalid_files_are_refused(path: Path) -> None:
    with pytest.raises(AvatarFileError):
        unpack_paper_avatar(path.read_bytes())


def test_every_defect_has_a_file() -> None:
    names = {path.stem for path in (VECTORS / "invalid").iterdir()}
    assert names == set(invalid_latents(pack_latent(small_latent())))


def test_unknown_sections_are_skipped() -> None:
    data = pack_latent(small_latent())
    assert_same(unpack_latent(data + join_file(b"", {b"MORE": (7, 7, b"abc")})), small_latent())


def test_every_truncation_is_refused() -> None:
    data = pack_latent(small_latent())
    for length in range(len(data)):
        with pytest.raises(AvatarFileError):
            unpack_paper_avatar(data[:length])


def test_a_network_is_not_decompressed_beyond_its_size() -> None:
    data = pack_latent(small_latent())
    bomb = {**split_file(data), b"NETW": (1, 0, compress(bytes(50_000_000)))}
    with pytest.raises(AvatarFileError, match="decompress"):
        unpack_latent(join_file(data[:8], bomb))


def changed(name: str, place: tuple[int, ...], value: int) -> LatentPaperAvatar:
    array = getattr(small_latent(), name).copy()
    array[place] = value
    return replace(small_latent(), **{name: array})


@pytest.mark.parametrize(
    ("avatar", "message"),
    [
        (changed("direct", (0, 0), MAX_DIRECT + 1), "GAUS"),
        (changed("latents", (0, 0), -MAX_LATENT - 1), "GAUS"),
        (changed("shape", (0, 0), MAX_SHAPE + 1), "SHAP"),
        (changed("barycentrics", (0, 0), 256), "BIND"),
        (changed("faces_bound", (69,), 1 << 20), "too far|BIND"),
        (changed("faces_bound", (3,), 70_001), "sorted"),
        (replace(small_latent(), latents=np.zeros((70, 5), np.int64)), "latents"),
        (replace(small_latent(), layers=()), "0 hidden layers"),
        (replace(small_latent(), name="x" * 65), "64 printable"),
    ],
)
def test_what_cannot_be_read_is_not_written(avatar: LatentPaperAvatar, message: str) -> None:
    with pytest.raises(AvatarFileError, match=message):
        pack_latent(avatar)


def test_decoders_of_another_shape_are_refused() -> None:
    good = small_latent().decoders
    with pytest.raises(AvatarFileError, match="decoders"):
        pack_latent(replace(small_latent(), decoders=Decoders(good.harmonics[..., :4], good.rotation, good.opacity)))
