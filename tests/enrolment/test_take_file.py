"""Takes survive on disk, and damaged files are told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from enrolment.errors import TakeError
from enrolment.take import SIDE, Take
from enrolment.take_file import load_take, save_take
from tracker.profile import PersonProfile


def small_take(count: int = 2) -> Take:
    rng = np.random.default_rng(5)
    person = PersonProfile(
        "ab" * 32,
        1.1,
        rng.normal(0, 0.01, (161, 3)),
        np.full(52, 0.1),
        np.full(2, 0.7),
        np.ones(52),
        0.1,
        0.1,
        np.zeros(4),
    )
    return Take(
        images=rng.integers(0, 256, (count, SIDE, SIDE, 3), np.uint8),
        alphas=rng.integers(0, 256, (count, SIDE, SIDE), np.uint8),
        time_s=np.arange(count) / 25,
        vectors=rng.normal(size=(count, 65)).astype(np.float32),
        landmarks_px=rng.uniform(0, SIDE, (count, 478, 2)).astype(np.float32),
        scores=rng.uniform(size=(count, 52)).astype(np.float32),
        K=np.eye(3, dtype=np.float32),
        held_out=np.arange(count) % 2 == 1,
        person=person,
        head_model_id="ab" * 32,
        warnings=("It is dark.", "Grüße."),
        inner=(0, 16, SIDE, SIDE - 16),
    )


@pytest.mark.parametrize("known", [True, False])
def test_a_take_comes_back_as_it_was(tmp_path: Path, known: bool) -> None:
    take = small_take()
    take = take if known else replace(take, person=None, warnings=())
    save_take(take, tmp_path / "take.npz")
    loaded = load_take(tmp_path / "take.npz")
    for name in ("images", "alphas", "time_s", "vectors", "landmarks_px", "scores", "K", "held_out"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(take, name))
        assert getattr(loaded, name).dtype == getattr(take, name).dtype
    assert (loaded.head_model_id, loaded.warnings) == (take.head_model_id, take.warnings)
    assert loaded.inner == take.inner
    assert (loaded.person is None) == (take.person is None)
    if take.person is not None and loaded.person is not None:
        np.testing.assert_array_equal(loaded.person.offsets, take.person.offsets)
        assert loaded.person.focal_ratio == take.person.focal_ratio


@pytest.mark.parametrize(
    "changes",
    [
        {"alphas": np.zeros((1, SIDE, SIDE), np.uint8)},
        {"vectors": np.full((2, 65), np.nan, np.float32)},
        {"scores": np.zeros((2, 52))},
        {"K": np.eye(4, dtype=np.float32)},
        {"inner": (0, 0, SIDE + 1, SIDE)},
        {"inner": (0, 9, SIDE, 9)},
    ],
)
def test_what_does_not_fit_together_is_refused(tmp_path: Path, changes: dict[str, np.ndarray]) -> None:
    path = tmp_path / "take.npz"
    save_take(replace(small_take(), **changes), path)
    with pytest.raises(TakeError, match=r"is no take, or a damaged one\."):
        load_take(path)


def test_half_a_file_and_none(tmp_path: Path) -> None:
    path = tmp_path / "take.npz"
    with pytest.raises(TakeError, match="Cannot read the take"):
        load_take(path)
    save_take(small_take(), path)
    content = path.read_bytes()
    for damaged in (content[: len(content) // 2], b"", content[:-40]):
        path.write_bytes(damaged)
        with pytest.raises(TakeError):
            load_take(path)


def test_packed_arrays_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "take.npz"
    np.savez_compressed(path, images=np.zeros((1, SIDE, SIDE, 3), np.uint8))
    with pytest.raises(TakeError):
        load_take(path)
