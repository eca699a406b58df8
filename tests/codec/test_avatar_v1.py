"""Version 1 of the avatar file: what comes back, what of it while it arrives, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.avatar_asset import AvatarAsset
from codec.avatar_file import pack_avatar, unpack_avatar, unpack_partial
from codec.avatar_layout import MAGIC, MAX_AVATAR_BYTES, SECTION, split_sections
from codec.avatar_plan import CLASSES, SKIPPED_BLOCK, AvatarPlan, AvatarSteps
from codec.avatar_steps import class_steps
from codec.covariance import log_covariances
from codec.errors import AvatarFileError
from tools.avatar_vectors import own_basis

Factory = Callable[..., AvatarAsset]

ARRAYS = [field.name for field in fields(AvatarAsset)[2:] if field.name != "motion_basis"]
SMALL = (Path(__file__).parents[1] / "vectors" / "avatar" / "small_v1.vav").read_bytes()


def plan_of(asset: AvatarAsset, seed: int = 0) -> AvatarPlan:
    rng = np.random.default_rng(seed)
    size = asset.basis_grid.shape[-1]
    side = -(-size // 4)
    return AvatarPlan(
        classes=rng.integers(0, CLASSES, asset.count).astype(np.uint8),
        block_exponents=rng.integers(0, 3, (3, side, side)).astype(np.uint8),
        used_cells=np.ones((size, size), np.bool_),
        steps=AvatarSteps(grid=(1 << 14, 1 << 17, 1 << 18)),
    )


@pytest.fixture
def centered(asset_factory: Factory) -> Factory:
    def make(**sizes: int) -> AvatarAsset:
        asset = asset_factory(**sizes)
        return replace(asset, barycentrics=np.full_like(asset.barycentrics, 1 / 3))

    return make


def sorted_as_written(asset: AvatarAsset, plan: AvatarPlan) -> tuple[AvatarAsset, AvatarPlan]:
    uv = np.rint(asset.grid_uv.astype(np.float64) * plan.steps.grid_uv)
    rows = np.lexsort((uv[:, 1], uv[:, 0], asset.faces_bound))
    per_gaussian = [name for name in ARRAYS if name not in ("shape_offsets", "basis_grid", "basis_weights")]
    moved = replace(asset, **{name: getattr(asset, name)[rows] for name in per_gaussian})
    return moved, replace(plan, classes=plan.classes[rows])


@pytest.mark.parametrize(("gaussians", "bases", "grid"), [(1, 0, 0), (7, 1, 1), (40, 2, 3), (2000, 5, 17)])
def test_what_is_packed_comes_back_within_its_classes_steps(
    centered: Factory, gaussians: int, bases: int, grid: int
) -> None:
    asset = centered(gaussians=gaussians, bases=bases, grid=grid)
    plan = plan_of(asset)
    found = unpack_avatar(pack_avatar(asset, plan))
    wanted, plan = sorted_as_written(asset, plan)
    half = class_steps(plan.steps)[plan.classes] / 2 + 1
    np.testing.assert_array_equal(found.faces_bound, wanted.faces_bound)
    np.testing.assert_array_equal(found.rigid_to_skull, wanted.rigid_to_skull)
    assert np.abs(found.shape_offsets - wanted.shape_offsets).max() <= plan.steps.shape * 2**-17 * 1.01
    assert (np.abs(found.local_means - wanted.local_means) <= half[:, :3] * 2**-20).all()
    shapes = [log_covariances(each.local_quats, each.log_scales) for each in (found, wanted)]
    inside = (wanted.log_scales < -0.5).all(axis=1) & (plan.classes < 3)
    assert (np.abs(shapes[0] - shapes[1])[inside] <= half[inside, 3:9] * 2**-10 + 1e-4).all()
    assert np.abs(found.sh0 - wanted.sh0)[plan.classes == 0].max(initial=0) < 0.05
    moving = ~wanted.rigid_to_skull & (plan.classes < plan.steps.fine_classes)
    if bases:
        assert np.abs(found.grid_uv - wanted.grid_uv)[moving].max(initial=0) <= 0.51 / plan.steps.grid_uv
    largest = np.abs(wanted.basis_weights).max(axis=1, initial=0, keepdims=True)
    assert (np.abs(found.basis_weights - wanted.basis_weights) <= largest / 4000).all()
    error = np.abs(found.basis_grid.astype(float) - wanted.basis_grid.astype(float))
    for channels, step in zip((slice(0, 3), slice(3, 6), slice(6, 9)), plan.steps.grid, strict=True):
        assert error[:, channels].max(initial=0) <= 4 * 4 * step * 2**-30 * 4 / 2 + 1e-4


def test_coarse_classes_take_fewer_bytes(centered: Factory) -> None:
    asset = centered(gaussians=1000)
    plan = plan_of(asset)
    sizes = [len(pack_avatar(asset, replace(plan, classes=np.full(1000, c, np.uint8)))) for c in range(CLASSES)]
    assert sizes == sorted(sizes, reverse=True)


def test_blocks_that_are_left_out_are_zero(centered: Factory) -> None:
    asset = centered(bases=2, grid=8)
    plan = plan_of(asset)
    plan.block_exponents[:, 1, 0] = SKIPPED_BLOCK
    found = unpack_avatar(pack_avatar(asset, plan)).basis_grid
    assert not found[:, :, 4:, :4].any()
    assert found[:, :, :4].any()


def test_every_prefix_shows_what_it_can(centered: Factory) -> None:
    asset = centered(gaussians=100, bases=2, grid=4)
    data = pack_avatar(asset, plan_of(asset))
    seen: list[tuple[int, int]] = []
    for end in range(len(data) + 1):
        found = unpack_partial(data[:end])
        if found is not None and (found.count, len(found.basis_grid)) not in seen:
            seen.append((found.count, len(found.basis_grid)))
    assert seen == [(13, 0), (100, 0), (100, 2)]


def test_few_gaussians_are_larger_until_the_others_come(centered: Factory) -> None:
    asset = replace(centered(gaussians=64), log_scales=np.full((64, 3), -6, np.float32))
    plan = plan_of(asset)
    data = pack_avatar(asset, replace(plan, classes=np.zeros_like(plan.classes)))
    few = unpack_partial(data[: sum(12 + len(s[3]) for s in split_sections(data, MAGIC, 1, MAX_AVATAR_BYTES)[:4]) + 8])
    assert few is not None
    assert few.count == 8
    np.testing.assert_allclose(few.log_scales, -6 + plan.steps.growth / 32, atol=0.05)


def test_files_of_version_0_come_whole_or_not_at_all(asset_factory: Factory) -> None:
    data = pack_avatar(asset_factory(gaussians=3, vertices=3, bases=1, grid=1))
    assert all(unpack_partial(data[:end]) is None for end in range(len(data)))
    assert unpack_partial(data) is not None


def test_sections_that_nobody_knows_may_follow(centered: Factory) -> None:
    asset = centered()
    data = pack_avatar(asset, plan_of(asset))
    longer = data + SECTION.pack(b"XTRA", 7, 7, 0, 3) + b"abc"
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(unpack_avatar(data), name), getattr(unpack_avatar(longer), name))


def test_a_persons_own_motions_come_along(centered: Factory) -> None:
    asset = replace(centered(), motion_basis=own_basis())
    data = pack_avatar(asset, plan_of(asset))
    assert unpack_avatar(data).motion_basis == own_basis()
    without = unpack_partial(data[:-1])
    assert without is not None
    assert without.motion_basis is None
    with pytest.raises(AvatarFileError, match="two MOTN"):
        unpack_avatar(data + data[data.index(b"MOTN") :])


def test_gaussians_that_are_bound_elsewhere_are_refused(asset_factory: Factory) -> None:
    asset = asset_factory()
    with pytest.raises(AvatarFileError, match="centers"):
        pack_avatar(asset, plan_of(asset))


@pytest.mark.parametrize(
    ("field", "value"), [("local_means", 0.7), ("sh0", 60.0), ("basis_weights", 1e5), ("shape_offsets", np.nan)]
)
def test_what_the_format_cannot_hold_is_refused(centered: Factory, field: str, value: float) -> None:
    asset = centered()
    array = getattr(asset, field).copy()
    array[0] = value
    with pytest.raises(AvatarFileError):
        pack_avatar(replace(asset, **{field: array}), plan_of(asset))


def test_every_truncation_is_refused_or_partial() -> None:
    for end in set(range(len(SMALL))) - {SMALL.index(b"MOTN")}:  # which may be missing
        with pytest.raises(AvatarFileError):
            unpack_avatar(SMALL[:end])
        unpack_partial(SMALL[:end])


def assert_sane(asset: AvatarAsset | None) -> None:
    if asset is not None:
        for name in ARRAYS:
            assert np.isfinite(getattr(asset, name)).all(), name
        np.testing.assert_allclose(np.linalg.norm(asset.local_quats, axis=1), 1, atol=1e-5)
        assert asset.log_scales.max() <= 0


@settings(max_examples=300)
@given(st.data())
def test_damage_raises_avatar_file_error_or_yields_a_sane_avatar(data: st.DataObject) -> None:
    good = bytearray(SMALL)
    for _ in range(data.draw(st.integers(1, 4))):
        good[data.draw(st.integers(0, len(good) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    for parse in (unpack_avatar, unpack_partial):
        try:
            assert_sane(parse(bytes(good)))
        except AvatarFileError:
            continue


@given(st.binary(max_size=200), st.integers(0, len(SMALL)))
def test_random_bytes_raise_avatar_file_error(data: bytes, start: int) -> None:
    for candidate in (data, SMALL[:start] + data):
        try:
            assert_sane(unpack_partial(candidate))
        except AvatarFileError:
            continue
