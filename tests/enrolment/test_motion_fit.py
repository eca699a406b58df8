"""A person's own motions: fewer symbols move than with the standard ones."""

from __future__ import annotations

import numpy as np
import pytest

from codec.motion_basis import MOTIONS
from codec.motion_table import STANDARD
from codec.params import FaceParams
from codec.range_steps import RangeConfig
from enrolment.motion_fit import LEAST_FACES, fit_basis
from renderer.head.model import HeadModel
from renderer.head.open_head import load_open_head

Vectors = np.ndarray


@pytest.fixture(scope="module")
def head() -> HeadModel:
    return load_open_head()


def somebody(count: int, seed: int) -> Vectors:
    """[count, 65] a face whose jaw and expression follow three moods."""
    moods = np.random.default_rng(3).normal(0, 0.5, (3, 53)) * np.r_[np.full(3, 0.05), np.ones(50)]
    drive = np.cumsum(np.random.default_rng(seed).normal(0, 0.15, (count, 3)), axis=0)
    vectors = np.tile(FaceParams.neutral().to_vector(), (count, 1))
    moved = np.tanh(drive) @ moods
    vectors[:, 56:59], vectors[:, :50] = moved[:, :3], moved[:, 3:]
    return vectors


def changes(vectors: Vectors, config: RangeConfig) -> float:
    """How many symbols change from picture to picture."""
    symbols = np.array([config.steps.symbols(FaceParams.from_vector(vector)) for vector in vectors])
    return float((np.diff(symbols, axis=0) != 0).sum(axis=1).mean())


def test_what_moves_together_is_one_motion(head: HeadModel) -> None:
    own = fit_basis([somebody(300, 1)], head, None, STANDARD)
    assert own is not None
    assert np.array(own.usual[:3]).min() > np.array(own.usual[6:]).max()
    assert own.usual[0] >= own.usual[2]
    later = somebody(60, 2)
    assert changes(later, RangeConfig(50, 4, own)) < 0.5 * changes(later, RangeConfig(50, 4))
    np.testing.assert_allclose(own.directions @ own.inverse, np.eye(MOTIONS), atol=1e-3)


def test_a_basis_does_not_change_when_it_is_fitted_again(head: HeadModel) -> None:
    track = somebody(LEAST_FACES, 1)
    assert fit_basis([track], head, None, STANDARD) == fit_basis([track], head, None, STANDARD)


def test_who_does_not_move_has_a_basis_all_the_same(head: HeadModel) -> None:
    still = np.tile(FaceParams.neutral().to_vector(), (LEAST_FACES, 1))
    for prior in (None, STANDARD):
        basis = fit_basis([still], head, None, prior)
        assert basis is not None
        assert set(basis.usual) == {0}


def test_who_was_hardly_seen_has_none(head: HeadModel) -> None:
    assert fit_basis([somebody(LEAST_FACES - 1, 1)], head) is None
    assert fit_basis([], head) is None
