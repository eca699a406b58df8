from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codec.params import EXPRESSION_DIMS, FaceParams
from codec.quantizer import EXPRESSION_BITS, StreamConfig, quantizer_for

LOWS = np.array([-2.0] * 3 + [-1.5] * 2 + [0.1] + [-0.8] * 3 + [0.0] * 2 + [-0.8] * 4)
HIGHS = np.array([2.0] * 3 + [1.5] * 2 + [3.1] + [0.8] * 3 + [1.0] * 2 + [0.8] * 4)

configs = st.builds(StreamConfig, st.sampled_from(EXPRESSION_DIMS), st.sampled_from(EXPRESSION_BITS))


@given(configs, st.data())
def test_error_is_at_most_half_a_step_within_the_ranges(config: StreamConfig, data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 1 << 32)))
    dims = config.expression_dims
    lows, highs = np.concatenate([np.full(dims, -4.0), LOWS]), np.concatenate([np.full(dims, 4.0), HIGHS])
    vector = rng.uniform(lows, highs).astype(np.float32)
    beyond = rng.random(len(vector)) < 0.2  # what is an end of one range lies outside of others
    vector[beyond] = rng.choice(np.concatenate([lows, highs]), np.count_nonzero(beyond))
    quantizer = quantizer_for(config)
    wanted = np.clip(vector, lows, highs)
    found = quantizer.dequantize(quantizer.quantize(FaceParams.from_vector(vector))).to_vector()
    assert (np.abs(found - wanted) <= quantizer.steps / 2 + 2e-6).all()


@given(configs, st.integers(0, 1 << 32))
def test_symbols_come_back(config: StreamConfig, seed: int) -> None:
    quantizer = quantizer_for(config)
    rng = np.random.default_rng(seed)
    symbols = tuple(int(rng.integers(0, limit + 1)) for limit in quantizer.max_symbols)
    assert quantizer.quantize(quantizer.dequantize(symbols)) == symbols


def test_steps_are_the_documented_ones() -> None:
    steps = quantizer_for(StreamConfig(10, 8)).steps
    np.testing.assert_allclose(steps[:10], 4 / 127)
    np.testing.assert_allclose(
        steps[10:], [2 / 2047] * 3 + [1.5 / 4095] * 2 + [3 / 8191] + [0.8 / 511] * 3 + [1 / 255] * 2 + [0.8 / 511] * 4
    )
    np.testing.assert_allclose(quantizer_for(StreamConfig(10, 10)).steps[0], 4 / 511)


def test_the_neutral_face_is_exact_and_wild_values_are_clamped() -> None:
    quantizer = quantizer_for(StreamConfig(10, 8))
    neutral = quantizer.dequantize(quantizer.quantize(FaceParams.neutral(10, distance_m=0.1))).to_vector()
    np.testing.assert_array_equal(neutral, FaceParams.neutral(10, distance_m=0.1).to_vector())
    wild = FaceParams.from_vector(np.full(25, 1e30, np.float32))
    assert quantizer.quantize(wild) == quantizer.max_symbols
    wild = FaceParams.from_vector(np.full(25, -1e30, np.float32))
    assert quantizer.quantize(wild) == (0,) * 25


def test_expressions_of_another_length_are_cut_or_filled() -> None:
    rng = np.random.default_rng(1)
    params = FaceParams.from_vector(rng.uniform(0, 0.5, 45).astype(np.float32))
    for dims in EXPRESSION_DIMS:
        quantizer = quantizer_for(StreamConfig(dims, 10))
        found = quantizer.dequantize(quantizer.quantize(params))
        common = min(dims, 30)
        np.testing.assert_allclose(found.expression[:common], params.expression[:common], atol=0.005)
        assert not found.expression[common:].any()
        np.testing.assert_allclose(found.gaze, params.gaze, atol=0.001)


@pytest.mark.parametrize(("dims", "bits"), [(11, 8), (0, 8), (50, 9)])
def test_other_configurations_are_refused(dims: int, bits: int) -> None:
    with pytest.raises(ValueError, match="expected one of"):
        StreamConfig(dims, bits)
