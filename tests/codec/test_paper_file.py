from __future__ import annotations

import struct
from dataclasses import fields, replace
from itertools import pairwise

import numpy as np
import pytest

from codec.avatar_file import unpack_avatar
from codec.avatar_layout import HEADER, SECTION
from codec.errors import AvatarFileError
from codec.paper_avatar import CONDITION_SIZE, ENCODED_SIZE, OUTPUT_SIZE, DenseLayer, PaperAvatar
from codec.paper_file import pack_paper_avatar, unpack_paper_avatar
from codec.paper_head import MAX_PAPER_BYTES
from codec.planes import compress


def paper_avatar(gaussians: int = 7, vertices: int = 5, coefficients: int = 3, widths: tuple[int, ...] = (4, 6)):
    rng = np.random.default_rng(1)

    def noise(*shape: int):
        return rng.normal(size=shape).astype(np.float32)

    sizes = (ENCODED_SIZE + CONDITION_SIZE, *widths, OUTPUT_SIZE)
    return PaperAvatar(
        head_model_id="5c" * 32,
        name="Ada ☼",
        shape_offsets=noise(vertices, 3),
        faces_bound=rng.integers(0, 900, gaussians).astype(np.int32),
        barycentrics=noise(gaussians, 3),
        log_scales=noise(gaussians, 3),
        quats=noise(gaussians, 4),
        logit_opacities=noise(gaussians),
        sh0=noise(gaussians, 3),
        sh_rest=noise(gaussians, coefficients, 3),
        layers=tuple(DenseLayer(noise(a, b), noise(b)) for a, b in pairwise(sizes)),
    )


def assert_same(found: PaperAvatar, wanted: PaperAvatar, tolerance: float = 0.0) -> None:
    assert (found.head_model_id, found.name) == (wanted.head_model_id, wanted.name)
    for field in fields(wanted)[2:-1]:
        a, b = getattr(found, field.name), getattr(wanted, field.name)
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=tolerance if field.name == "sh_rest" else 0, atol=tolerance)
    assert len(found.layers) == len(wanted.layers)
    for a, b in zip(found.layers, wanted.layers, strict=True):
        np.testing.assert_allclose(a.weights, b.weights, rtol=tolerance, atol=tolerance)
        np.testing.assert_allclose(a.bias, b.bias, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("coefficients", [0, 3, 15])
def test_what_is_packed_comes_back_exactly(coefficients: int) -> None:
    avatar = paper_avatar(coefficients=coefficients)
    assert_same(unpack_paper_avatar(pack_paper_avatar(avatar)), avatar)


def test_half_precision_rounds_harmonics_and_network_alone() -> None:
    avatar = paper_avatar(gaussians=200)
    exact, half = pack_paper_avatar(avatar), pack_paper_avatar(avatar, half=True)
    assert len(half) < len(exact)
    found = unpack_paper_avatar(half)
    assert_same(found, avatar, 2**-10)
    np.testing.assert_array_equal(found.sh0, avatar.sh0)
    assert (found.sh_rest != avatar.sh_rest).any()


def test_the_largest_avatar_fits() -> None:
    limit = 16_384 * 60 * 4 + 65_536 * 12 + 375_562 * 4
    assert limit + limit // 100 < MAX_PAPER_BYTES


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "x" * 65}, "64 printable"),
        ({"head_model_id": "zz"}, "SHA-256"),
        ({"layers": ()}, "0 hidden layers"),
        ({"sh_rest": np.zeros((7, 4, 3), np.float32)}, "harmonics"),
        ({"sh0": np.zeros((6, 3), np.float32)}, "COLR"),
        ({"sh0": np.full((7, 3), np.nan, np.float32)}, "not finite"),
        ({"faces_bound": np.full(7, -1, np.int32)}, "out of range"),
        ({"quats": np.zeros((7, 3), np.float32)}, "QUAT"),
    ],
)
def test_what_cannot_be_read_is_not_written(change: dict[str, object], message: str) -> None:
    with pytest.raises(AvatarFileError, match=message):
        pack_paper_avatar(replace(paper_avatar(), **change))  # pyright: ignore[reportArgumentType]


def test_layers_that_do_not_follow_from_each_other_are_refused() -> None:
    avatar = paper_avatar()
    first, middle, last = avatar.layers
    with pytest.raises(AvatarFileError, match="layer"):
        pack_paper_avatar(replace(avatar, layers=(first, DenseLayer(middle.weights[1:], middle.bias), last)))


def test_a_number_too_large_for_half_precision_is_refused() -> None:
    avatar = paper_avatar()
    with pytest.raises(AvatarFileError, match="HARM"):
        pack_paper_avatar(replace(avatar, sh_rest=avatar.sh_rest * np.float32(1e6)), half=True)


def test_every_truncation_is_refused_with_a_sentence() -> None:
    data = pack_paper_avatar(paper_avatar())
    for length in range(len(data)):
        with pytest.raises(AvatarFileError):
            unpack_paper_avatar(data[:length])


def test_no_damaged_byte_does_more_than_change_numbers_or_be_refused() -> None:
    data = bytearray(pack_paper_avatar(paper_avatar()))
    rng = np.random.default_rng(2)
    for at in rng.integers(0, len(data), 400):
        before, data[at] = data[at], int(rng.integers(256))
        try:
            unpack_paper_avatar(bytes(data))
        except AvatarFileError:
            pass
        finally:
            data[at] = before


def with_section(tag: bytes, coding: int, kind: int, content: bytes) -> bytes:
    """A good file with one section put in another's place."""
    data = pack_paper_avatar(paper_avatar())
    parts, offset = [data[: HEADER.size]], HEADER.size
    while offset < len(data):
        found, *_, size = SECTION.unpack_from(data, offset)
        end = offset + SECTION.size + size
        if found == tag:
            parts += [SECTION.pack(tag, coding, kind, 0, len(content)), content]
        else:
            parts.append(data[offset:end])
        offset = end
    return b"".join(parts)


@pytest.mark.parametrize(
    ("tag", "coding", "kind", "content", "message"),
    [
        (b"COLR", 2, 1, b"", "unknown coding"),
        (b"COLR", 0, 1, bytes(3), "wrong size"),
        (b"COLR", 0, 2, bytes(84), "unknown kind"),
        (b"FACE", 0, 1, bytes(28), "unknown kind"),
        (b"COLR", 1, 1, compress(bytes(10_000_000)), "decompress"),
        (b"HEAD", 0, 0, bytes(44), "0 Gaussians"),
        (b"HEAD", 0, 0, struct.pack("<32sIIBBBB", b"", 2**32 - 1, 5, 3, 0, 0, 0), "Gaussians"),
    ],
)
def test_sections_that_lie_are_refused(tag: bytes, coding: int, kind: int, content: bytes, message: str) -> None:
    with pytest.raises(AvatarFileError, match=message):
        unpack_paper_avatar(with_section(tag, coding, kind, content))


def test_unknown_sections_are_skipped_and_known_ones_come_once() -> None:
    avatar = paper_avatar()
    data = pack_paper_avatar(avatar)
    extra = SECTION.pack(b"ELSE", 7, 7, 0, 3) + b"abc"
    assert_same(unpack_paper_avatar(data + extra), avatar)
    with pytest.raises(AvatarFileError, match="two OPAC"):
        unpack_paper_avatar(data + (SECTION.pack(b"OPAC", 0, 1, 0, 28) + bytes(28)) * 2)


def test_the_two_profiles_are_told_apart_by_their_first_bytes() -> None:
    with pytest.raises(AvatarFileError, match="not an avatar file"):
        unpack_avatar(pack_paper_avatar(paper_avatar()))
