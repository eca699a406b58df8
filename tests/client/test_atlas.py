from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from client.view.atlas import MAX_TILES, TILE_SIZES, Atlas, Tile, round_up_size
from client.view.stamp import paint_stamp, read_stamp

MEMBERS = [f"m{n}" for n in range(24)]


def test_sizes_are_rounded_up() -> None:
    assert [round_up_size(px) for px in (1, 128, 129, 300, 512, 4000)] == [128, 128, 192, 384, 512, 1024]


def test_a_member_keeps_its_tile_when_others_come_and_go() -> None:
    atlas = Atlas()
    four = dict.fromkeys("abcd", 200)
    before = {tile.member_id: tile for tile in atlas.update(four).tiles}
    atlas.update(dict.fromkeys("abd", 200))
    after = {tile.member_id: tile for tile in atlas.update(dict.fromkeys("dbaz", 200)).tiles}
    assert {member: after[member] for member in "abd"} == {member: before[member] for member in "abd"}
    assert (after["z"].x, after["z"].y) == (before["c"].x, before["c"].y)


def test_the_same_wish_returns_the_same_layout() -> None:
    atlas = Atlas()
    assert atlas.update({"a": 200, "b": 90}) is atlas.update({"b": 99, "a": 193})


def test_one_leaving_does_not_change_the_video_size() -> None:
    atlas = Atlas()
    first = atlas.update(dict.fromkeys("abcd", 200))
    second = atlas.update(dict.fromkeys("abc", 200))
    assert (first.width, first.height) == (second.width, second.height)
    assert second.generation > first.generation


def test_many_large_heads_get_smaller_tiles() -> None:
    layout = Atlas(max_pixels=1536 * 1024).update(dict.fromkeys(MEMBERS[:9], 512))
    assert layout.width * layout.height <= 1536 * 1024
    assert len(layout.tiles) == 9


@given(st.lists(st.dictionaries(st.sampled_from(MEMBERS), st.integers(1, 4096), max_size=20), max_size=8))
def test_every_layout_is_a_valid_grid(wishes: list[dict[str, int]]) -> None:
    atlas = Atlas()
    layouts = [atlas.layout, *(atlas.update(wish) for wish in wishes)]
    for layout, wish in zip(layouts[1:], wishes, strict=True):
        assert {tile.member_id for tile in layout.tiles} == set(list(wish)[:MAX_TILES])
        assert layout.width % 16 == layout.height % 16 == 0
        assert layout.width > 0 < layout.height
        places = {(tile.x, tile.y) for tile in layout.tiles}
        assert len(places) == len(layout.tiles)
        for tile in layout.tiles:
            assert tile.size in TILE_SIZES
            assert tile.x % 16 == tile.y % 16 == 0
            assert tile.x + tile.size <= layout.width
            assert tile.y + tile.size <= layout.height
    assert all(after.generation >= before.generation for before, after in pairwise(layouts))


@given(st.integers(0, 2**42))
def test_a_stamp_survives_noise(capture_ms: int) -> None:
    rng = np.random.default_rng(7)
    luma = np.full((128, 128), 90, np.uint8)
    paint_stamp(luma, capture_ms)
    noisy = np.clip(luma + rng.normal(0, 25, luma.shape), 0, 255).astype(np.uint8)
    assert read_stamp(noisy) == capture_ms % 2**32
    assert (luma[32:] == 90).all()
    assert (luma[:, 64:] == 90).all()


def test_the_stamps_bits_are_where_the_protocol_says() -> None:
    luma = np.zeros((128, 128), np.uint8)
    paint_stamp(luma, 1 << 9)
    assert luma[8:16, 8:16].min() > 128
    luma[8:16, 8:16] = 0
    assert luma.max() < 128


def test_small_heads_stand_beside_the_grid() -> None:
    atlas = Atlas()
    layout = atlas.update({"a": 400, "b": 512, "self": 130})
    assert (layout.width, layout.height) == (2 * 512 + 192, 512)
    assert layout.tiles[-1] == Tile("self", 1024, 0, 192)
    more = atlas.update({"a": 400, "b": 512, "self": 130, "c": 100, "d": 90})
    assert more.tiles[-3:] == (Tile("self", 1024, 0, 192), Tile("c", 1024, 192, 128), Tile("d", 1216, 0, 128))


def test_a_head_that_gets_less_than_its_place_stays_in_the_corner_of_it() -> None:
    atlas = Atlas()
    wanted = atlas.seat({"a": 512, "b": 512, "self": 128})
    assert wanted == {"a": 512, "b": 512, "self": 128}
    full = atlas.place(wanted)
    less = atlas.place(wanted | {"b": 256})
    assert (less.width, less.height) == (full.width, full.height)
    assert less.tiles == (Tile("a", 0, 0, 512), Tile("b", 512, 0, 256), Tile("self", 1024, 0, 128))
    assert less.generation > full.generation
    assert atlas.place(wanted | {"b": 256}) is less
    all_less = atlas.place({"a": 256, "b": 256, "self": 128})
    assert (all_less.width, all_less.height) == (2 * 256 + 128, 256)


def test_tiles_never_overlap() -> None:
    rng = np.random.default_rng(3)
    atlas = Atlas(max_pixels=400_000)
    for _ in range(200):
        wish = {str(member): int(rng.integers(1, 700)) for member in rng.permutation(20)[: rng.integers(0, 20)]}
        allowed = atlas.seat(wish)
        layout = atlas.place(
            {member: int(rng.choice([s for s in TILE_SIZES if s <= size])) for member, size in allowed.items()}
        )
        painted = np.zeros((layout.height, layout.width), int)
        for tile in layout.tiles:
            painted[tile.y : tile.y + tile.size, tile.x : tile.x + tile.size] += 1
        assert painted.max(initial=0) <= 1
        assert painted.sum() == sum(tile.size**2 for tile in layout.tiles)
