from __future__ import annotations

import numpy as np
import pytest

from codec.params import FaceParams
from tracker.corrections import Corrections

RANDOM = np.random.default_rng(0)


def tracked(count: int) -> np.ndarray:
    spread = np.repeat([0.5, 0.1, 0.05, 0.1, 0.3, 0.2], [50, 3, 3, 3, 2, 4])
    return RANDOM.normal(size=(count, 65)) * spread


def test_a_constant_and_a_proportional_error_are_learned() -> None:
    said = tracked(400)
    truth = np.concatenate([said, np.zeros((400, 6))], axis=1)
    truth[:, 50] += 0.05
    truth[:, 51] += 0.2 * said[:, 51]
    corrections = Corrections.learned(said, truth)
    for row in range(10):
        np.testing.assert_allclose(said[row, 50] + corrections.of(said[row])[50], truth[row, 50], atol=2e-3)
        np.testing.assert_allclose(said[row, 51] + corrections.of(said[row])[51], truth[row, 51], atol=1e-2)


def test_what_was_never_seen_is_not_extrapolated() -> None:
    said = tracked(400)
    truth = np.concatenate([said, np.zeros((400, 6))], axis=1)
    truth[:, 51] += 0.2 * said[:, 51]
    corrections = Corrections.learned(said, truth)
    far = said[0].copy()
    far[51] = 5.0
    assert corrections.of(far)[51] <= 0.2 * said[:, 51].max()


def test_without_anything_known_the_tracker_is_right() -> None:
    face = FaceParams.neutral()
    np.testing.assert_array_equal(Corrections.none().apply(face).to_vector(), face.to_vector())


def test_arrays_are_checked() -> None:
    arrays = Corrections.none().to_arrays()
    assert Corrections.from_arrays(arrays).offset.shape == (71,)
    for broken in ({**arrays, "mean": np.zeros(3)}, {**arrays, "low": np.full(71, np.nan)}, {}):
        with pytest.raises(ValueError, match="missing or damaged"):
            Corrections.from_arrays(broken)
