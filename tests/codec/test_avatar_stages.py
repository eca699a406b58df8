from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codec.avatar_file import unpack_avatar, unpack_partial
from codec.avatar_layout import HEADER, MAGIC, MAX_SECTIONS, SECTION, split_sections
from codec.avatar_stages import STAGES, AvatarStages

VECTORS = Path(__file__).parents[1] / "vectors" / "avatar"
SMALL = (VECTORS / "small_v1.vav").read_bytes()


def end_of(tag: str) -> int:
    end = HEADER.size
    for name, _, _, content in split_sections(SMALL, MAGIC, 1, len(SMALL)):
        end += SECTION.size + len(content)
        if name == tag:
            return end
    raise AssertionError(tag)


@pytest.mark.parametrize("step", [1, 7, 100])
def test_each_stage_is_found_once_when_its_last_byte_is_here(step: int) -> None:
    stages, found = AvatarStages(), []
    for size in range(0, len(SMALL) + step, step):
        if stages.grown(SMALL[:size]):
            found.append((min(size, len(SMALL)), stages.reached, stages.usable))
    expected = [(end_of(tag), number + 1) for number, tag in enumerate(STAGES)]
    assert [(usable, reached) for _, reached, usable in found] == expected
    assert all(usable <= size < usable + step for size, _, usable in found)


def test_what_is_usable_can_be_drawn_and_gets_better() -> None:
    counts = []
    for tag in STAGES:
        asset = unpack_partial(SMALL[: end_of(tag)])
        assert asset is not None
        counts.append(asset.count)
    assert counts[0] < counts[1] == unpack_avatar(SMALL).count


def test_files_of_version_0_have_no_stages() -> None:
    old = next(path for path in sorted(VECTORS.glob("*.vav")) if path.read_bytes()[4:6] == b"\0\0")
    assert not AvatarStages().grown(old.read_bytes())


def test_endless_sections_are_not_followed() -> None:
    data = HEADER.pack(MAGIC, 1, 0) + SECTION.pack(b"XXXX", 0, 0, 0, 0) * (MAX_SECTIONS + 1)
    stages = AvatarStages()
    assert not stages.grown(data)
    assert not stages.grown(data + SECTION.pack(b"GAU0", 0, 0, 0, 0))


@given(st.lists(st.binary(max_size=40), max_size=6), st.booleans())
def test_any_bytes_are_taken(parts: list[bytes], header: bool) -> None:
    data, stages = bytearray(HEADER.pack(MAGIC, 1, 0) if header else b""), AvatarStages()
    for part in parts:
        data += part
        stages.grown(data)
        assert stages.usable <= len(data)
