"""Motions that come together: bases that come back, bases that are refused, and faces that survive any of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.motion_basis import COLUMNS, MOTIONS, MotionBasis
from codec.motion_table import STANDARD
from codec.params import FaceParams
from codec.quantizer import WIDE_EXPRESSION_RANGE
from codec.range_steps import QUALITIES, RangeConfig, values_of
from tests.support.tracks import talking

qualities = st.integers(0, QUALITIES - 1)


@st.composite
def bases(draw) -> MotionBasis:
    """Whatever may stand in an avatar file: good ones, singular ones, extreme ones."""
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    share, gain = draw(st.sampled_from((0, 1, 30, 127))), draw(st.sampled_from((1, 500, 32_767)))
    rows = random.integers(-share, share + 1, (MOTIONS, COLUMNS))
    rows[:, 0], rows[:, 1] = random.integers(0, 256, MOTIONS), random.integers(1, gain + 1, MOTIONS)
    return MotionBasis.of_rows(rows)


@settings(deadline=None, max_examples=30)
@given(bases(), qualities)
def test_any_basis_makes_faces_within_their_ranges(basis: MotionBasis, quality: int) -> None:
    steps = RangeConfig(50, quality, basis).steps
    for symbols in (steps.limits, steps.symbols(talking(0.3))):
        face = steps.params(symbols)
        assert np.isfinite(values_of(face)).all()
        assert np.abs(face.expression).max() <= WIDE_EXPRESSION_RANGE
        assert all(abs(symbol) <= limit for symbol, limit in zip(steps.symbols(face), steps.limits, strict=True))


@given(bases())
def test_a_basis_is_its_bytes(basis: MotionBasis) -> None:
    assert MotionBasis(basis.data) == basis == MotionBasis.of_rows(basis.rows)
    assert basis.directions.shape == (MOTIONS, MOTIONS)
    np.testing.assert_array_equal(basis.directions[3, 7], basis.rows[3, 1] * basis.rows[3, 9] / 65_536)


def test_rounding_a_basis_keeps_it() -> None:
    again = MotionBasis.nearest(STANDARD.directions, np.array(STANDARD.usual))
    scale = np.abs(STANDARD.directions).max(axis=1, keepdims=True)
    assert (np.abs(again.directions - STANDARD.directions) / scale).max() < 0.01
    assert again.usual == STANDARD.usual


@pytest.mark.parametrize(("column", "value"), [(0, -1), (0, 256), (1, 0), (1, -5), (2, 128), (54, -128)])
def test_numbers_out_of_range_are_refused(column: int, value: int) -> None:
    rows = STANDARD.rows
    rows[52, column] = value
    with pytest.raises(ValueError, match="outside"):
        MotionBasis.of_rows(rows)
    with pytest.raises(ValueError, match="outside"):
        MotionBasis(rows.astype("<i2").tobytes())


def test_bases_of_another_size_or_of_no_numbers_are_refused() -> None:
    for data in (b"", STANDARD.data[:-1], STANDARD.data + b"\0"):
        with pytest.raises(ValueError, match="bytes"):
            MotionBasis(data)
    for rows in (STANDARD.rows[:, :-1], STANDARD.rows * 65_536):
        with pytest.raises(ValueError, match="shape"):
            MotionBasis.of_rows(rows)
    for wrong in (np.nan, np.inf):
        with pytest.raises(ValueError, match="finite"):
            MotionBasis.nearest(np.full((MOTIONS, MOTIONS), wrong), np.zeros(MOTIONS))
    with pytest.raises(ValueError, match="shape"):
        MotionBasis.nearest(np.full((MOTIONS, MOTIONS), 64.0), np.zeros(MOTIONS))


def test_the_standard_motions_reach_every_face() -> None:
    one = STANDARD.directions @ STANDARD.inverse
    np.testing.assert_allclose(one, np.eye(MOTIONS), atol=1e-6)
    steps = RangeConfig(50, 0).steps
    extreme = FaceParams.neutral().to_vector()
    extreme[:50], extreme[56:59] = np.tile([4, -4], 25), (0.8, -0.8, 0.8)
    for face in (talking(0.7), FaceParams.from_vector(extreme)):
        exact = steps.exact(face)
        assert (np.abs(exact) <= np.array(steps.limits) + 0.5).all()
        assert np.abs(steps.exact(steps.params(steps.symbols(face))) - exact).max() < 3  # ranges cut what is extreme
    np.testing.assert_allclose(steps.params((0,) * 71).to_vector(), FaceParams.neutral().to_vector(), atol=1e-7)


def test_both_eyes_together_are_one_symbol() -> None:
    steps = RangeConfig(50, 2).steps
    vector = FaceParams.neutral().to_vector()
    vector[61], vector[63] = 0.3, 0.3
    moved = np.flatnonzero(steps.symbols(FaceParams.from_vector(vector)))
    assert moved.tolist() == [61]


def test_a_basis_is_for_all_coefficients() -> None:
    with pytest.raises(ValueError, match="50 expression"):
        RangeConfig(20, 0, STANDARD)
    assert RangeConfig(20).motions is None
    assert RangeConfig(50).motions is STANDARD
