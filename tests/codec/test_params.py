from __future__ import annotations

import numpy as np
import pytest

from codec.params import EXPRESSION_DIMS, FaceParams

TORSO = np.array([0.1, -0.2, 0.05, 0.01, -0.02, 0.03], np.float32)


@pytest.mark.parametrize("dims", EXPRESSION_DIMS)
def test_vectors_come_back_and_hold_the_head_alone(dims: int) -> None:
    vector = np.random.default_rng(dims).normal(size=dims + 15).astype(np.float32)
    params = FaceParams.from_vector(vector, TORSO)
    np.testing.assert_array_equal(params.to_vector(), vector)
    np.testing.assert_array_equal(params.torso, TORSO)
    built = FaceParams(*(getattr(params, name) for name in FaceParams.__dataclass_fields__))
    np.testing.assert_array_equal(built.to_vector(), vector)
    np.testing.assert_array_equal(built.torso, TORSO)


def test_a_torso_that_is_not_given_is_still() -> None:
    vector = FaceParams.neutral().to_vector()
    assert FaceParams.neutral().torso.tolist() == FaceParams.from_vector(vector).torso.tolist() == [0] * 6


def test_a_vector_and_its_torso_are_copied() -> None:
    vector, torso = FaceParams.neutral().to_vector(), TORSO.copy()
    params = FaceParams.from_vector(vector, torso)
    vector[:], torso[:] = 7, 7
    assert params.expression[0] == 0
    np.testing.assert_array_equal(params.torso, TORSO)


@pytest.mark.parametrize("torso", [np.zeros(5), np.zeros((6, 1)), np.full(6, np.nan)])
def test_other_torsos_are_refused(torso: np.ndarray) -> None:
    neutral = FaceParams.neutral()
    with pytest.raises(ValueError, match=r"torso|not finite"):
        FaceParams.from_vector(neutral.to_vector(), torso.astype(np.float32))
    with pytest.raises(ValueError, match="torso"):
        FaceParams(*(getattr(neutral, name) for name in FaceParams.__dataclass_fields__ if name != "torso"), torso)
