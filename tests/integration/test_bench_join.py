from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from rich.console import Console

from codec.avatar_file import unpack_avatar
from renderer.head.model import HeadModel
from visavis.bench import join
from visavis.errors import CommandError


@pytest.fixture(scope="module")
def avatars(head: HeadModel) -> list[bytes]:
    return [join.small_avatar(head, number) for number in (0, 1)]


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(join, "SETTLE_S", 0.2)
    monkeypatch.setattr(join, "IDLE_S", 1.0)


async def test_on_a_bad_line_a_part_of_the_avatar_is_shown_first_then_all_of_it_and_the_next_time_at_once(
    head: HeadModel, avatars: list[bytes]
) -> None:
    views = await join.join_once(join.Conditions(0.05, 40.0, 4.0), 1, head, avatars)
    for view in views:
        assert 0 < view.open_s < view.first_head_s < view.final_s
        assert view.parts_shown >= 1
        assert view.cached_bytes == 0
        assert view.transfer_ms
        assert view.idle_ms


def test_the_figures_have_the_names_of_their_network(head: HeadModel, avatars: list[bytes]) -> None:
    figures = join.run({"quick": join.Conditions(0.0, 10.0, 20.0)}, 1, Console(quiet=True), avatars)
    names = {figure.name for figure in figures}
    assert {"join.quick.first_head_s", "join.quick.final_worst_s", "join.quick.cached_bytes"} <= names


@pytest.mark.parametrize("wrong", [(1.0, 100.0, 1.0), (0.0, -1.0, 1.0), (0.0, 100.0, 0.0), (float("nan"), 1.0, 1.0)])
def test_absurd_networks_are_refused(wrong: tuple[float, float, float]) -> None:
    with pytest.raises(CommandError):
        join.Conditions(*wrong)


def test_files_to_wear_are_two_avatars(tmp_path: Path, avatars: list[bytes]) -> None:
    files = [tmp_path / name for name in ("one.vav", "two.vav", "bad.vav")]
    for path, data in zip(files, [*avatars, b"no avatar"], strict=True):
        path.write_bytes(data)
    assert join.read_avatars([]) is None
    assert join.read_avatars(files[:2]) == avatars
    for wrong in ([files[0]], [files[0], files[0]], files, files[1:], [files[0], tmp_path / "none"]):
        with pytest.raises(CommandError):
            join.read_avatars(wrong)


async def test_the_avatars_are_of_the_small_kind(avatars: list[bytes]) -> None:
    for data in avatars:
        assert data[4] == 1
        await asyncio.to_thread(unpack_avatar, data)
