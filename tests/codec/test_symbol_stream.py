from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codec import dyadic, rans
from codec.avatar_steps import OPACITY_LEVELS, opacity_table
from codec.covariance import axes_of, log_covariances
from codec.errors import AvatarFileError
from codec.symbol_stream import MAX_VALUE, pack_symbols, unpack_symbols, unzigzag, zigzag


def slow_decode(data: bytes, models: list[int], sizes: np.ndarray) -> list[int]:
    """The document's description of the code, one symbol after another."""
    lanes = rans.lanes_for(len(models))
    states = [int.from_bytes(data[4 * i : 4 * i + 4], "little") for i in range(lanes)]
    words = iter(int.from_bytes(data[i : i + 2], "little") for i in range(4 * lanes, len(data), 2))
    found: list[int] = []
    for i, model in enumerate(models):
        state = states[i % lanes]
        slot, start, symbol = state % rans.TOTAL, 0, 0
        while slot >= start + int(sizes[model, symbol]):
            start += int(sizes[model, symbol])
            symbol += 1
        state = int(sizes[model, symbol]) * (state // rans.TOTAL) + slot - start
        states[i % lanes] = state * 65_536 + next(words) if state < rans.LEAST else state
        found.append(symbol)
    assert states == [rans.LEAST] * lanes
    assert not list(words)
    return found


@pytest.mark.parametrize("count", [0, 1, 500, 3000])
def test_the_code_is_what_the_document_says(count: int) -> None:
    rng = np.random.default_rng(count)
    sizes = np.array([[4000, 90, 0, 6], [1, 1, 2047, 2047]])
    models = rng.integers(0, 2, count)
    symbols = np.array([rng.choice(4, p=sizes[model] / rans.TOTAL) for model in models], np.int64)
    starts = np.cumsum(sizes, axis=1) - sizes
    data = rans.encode(sizes[models, symbols], starts[models, symbols])
    np.testing.assert_array_equal(rans.decode(data, models, sizes), symbols)
    assert slow_decode(data, models.tolist(), sizes) == symbols.tolist()


@given(st.lists(st.tuples(st.one_of(st.integers(0, 40), st.integers(0, MAX_VALUE)), st.integers(0, 4)), max_size=400))
def test_streams_are_exact(pairs: list[tuple[int, int]]) -> None:
    values, contexts = np.array(pairs, np.int64).reshape(-1, 2).T
    data = pack_symbols(values, contexts, 5)
    np.testing.assert_array_equal(unpack_symbols(data, contexts, 5), values)
    for end in range(0, len(data), 3):
        with pytest.raises(AvatarFileError):
            unpack_symbols(data[:end], contexts, 5)


def test_streams_come_close_to_the_entropy() -> None:
    rng = np.random.default_rng(0)
    contexts = rng.integers(0, 6, 100_000)
    values = zigzag(np.rint(rng.laplace(0, 2.0 ** (contexts - 2))).astype(np.int64))
    bits = 0.0
    for context in range(6):
        counts = np.bincount(values[contexts == context])
        counts = counts[counts > 0]
        bits -= float((counts * np.log2(counts / counts.sum())).sum())
    assert len(pack_symbols(values, contexts, 6)) < 1.03 * bits / 8 + 2500


@pytest.mark.parametrize("value", [-1, MAX_VALUE + 1])
def test_values_out_of_range_are_refused(value: int) -> None:
    with pytest.raises(AvatarFileError):
        pack_symbols(np.array([value]), np.array([0]), 1)


@given(st.lists(st.integers(-(1 << 40), 1 << 40)))
def test_zigzag_is_exact(values: list[int]) -> None:
    array = np.array(values, np.int64)
    assert (zigzag(array) >= 0).all()
    np.testing.assert_array_equal(unzigzag(zigzag(array)), array)


@pytest.mark.parametrize("count", [1, 2, 7, 8, 9, 64, 77])
def test_the_order_of_rows_holds_each_once_and_knows_its_neighbors(count: int) -> None:
    coarse, fine = (dyadic.order(count, coarse=part) for part in (True, False))
    assert sorted([*coarse.tolist(), *fine.tolist()]) == list(range(count))
    assert sorted(coarse.tolist()) == list(range(0, count, dyadic.COARSE))
    known: set[int] = set()

    def tell(rows: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        for row, value in zip(rows.tolist(), predicted.tolist(), strict=True):
            stride = row & -row
            behind = row + stride if row + stride < count else row - stride
            assert row == 0 or {row - stride, behind} <= known
            assert value == (0 if row == 0 else (3 * (row - stride) + 3 * behind) // 2)
        known.update(rows.tolist())
        return 3 * rows

    values = np.zeros(count, np.int64)
    for part in (True, False):
        dyadic.walk(values, tell, coarse=part)
    np.testing.assert_array_equal(values, 3 * np.arange(count))


def test_covariances_come_back() -> None:
    rng = np.random.default_rng(0)
    quats = rng.normal(size=(500, 4)).astype(np.float32)
    scales = rng.normal(-6, 1, (500, 3)).astype(np.float32)
    scales[:9] = -6  # a ball has no axes
    elements = log_covariances(quats, scales)
    found, log_scales = axes_of(elements)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-12)
    np.testing.assert_allclose(log_covariances(found.astype(np.float32), log_scales), elements, atol=2e-5)
    np.testing.assert_array_equal(axes_of(np.zeros((1, 6)))[0], [[1, 0, 0, 0]])


def test_the_table_of_opacities_is_what_it_says() -> None:
    levels = np.arange(OPACITY_LEVELS + 1.0)
    levels[[0, -1]] = 0.3, OPACITY_LEVELS - 0.3
    shares = np.sin(np.pi * levels / 256) ** 2
    np.testing.assert_allclose(opacity_table(), np.log(shares / (1 - shares)), atol=0.51 / 256)
