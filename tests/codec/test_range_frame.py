"""Profile `range`: frames that come back, in few bytes, whatever is done to them on the way."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec import range_tables
from codec.errors import BitstreamError
from codec.motion_basis import COLUMNS, MotionBasis
from codec.motion_table import STANDARD
from codec.params import EXPRESSION_DIMS, FaceParams
from codec.quantizer import WIDE_EXPRESSION_RANGE
from codec.range_coder import TOTAL
from codec.range_frame import RangeFrame, decode_frame, encode_frame, predicted
from codec.range_model import MAX_DISTANCE, MAX_HABIT, NEUTRAL
from codec.range_steps import FINEST_PX, QUALITIES, RangeConfig, values_of
from tests.support.tracks import talking
from tools.avatar_vectors import own_basis
from tools.regenerate_vectors import RANGE_STREAMS, range_stream

RATE = 25
VECTORS = Path(__file__).parents[1] / "vectors" / "face"

FINE = RangeConfig(50, 4)

WILD = MotionBasis.of_rows(np.where(np.arange(COLUMNS) == 0, 255, STANDARD.rows))
"""Motions that are expected to be as large as levels can say."""


@st.composite
def configs(draw) -> RangeConfig:
    dims = draw(st.sampled_from(EXPRESSION_DIMS))
    basis = draw(st.sampled_from((None, own_basis(), WILD))) if dims == 50 else None
    return RangeConfig(dims, draw(st.integers(0, QUALITIES - 1)), basis)


@st.composite
def frames(draw, config: RangeConfig) -> RangeFrame:
    """What a receiver may hold."""
    limits = config.steps.limits
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    spread = draw(st.sampled_from((0.0, 0.02, 1.0)))
    symbols = tuple(int(spread * limit * random.uniform(-1, 1)) for limit in limits)
    velocity = tuple(int(random.normal(0, 40 * spread)) for _ in limits)
    habits = tuple(random.integers(-MAX_HABIT, MAX_HABIT + 1, len(limits)).tolist())
    return RangeFrame(config, symbols, velocity, habits, draw(st.integers(NEUTRAL // 4, 4 * NEUTRAL)))


@settings(deadline=None)
@given(st.data(), configs(), st.integers(1, MAX_DISTANCE + 8))
def test_every_frame_comes_back(data, config: RangeConfig, distance: int) -> None:
    reference, wanted = data.draw(frames(config)), data.draw(frames(config))
    for which, far in ((reference, distance), (None, 0)):
        payload, sent = encode_frame(config, wanted.symbols, which, far)
        assert sent.symbols == wanted.symbols
        assert max(map(abs, sent.habits)) <= MAX_HABIT
        assert decode_frame(config, payload, which, far) == sent


@settings(deadline=None)
@given(st.data(), configs(), st.binary(max_size=80))
def test_whatever_comes_is_refused_or_a_frame(data, config: RangeConfig, payload: bytes) -> None:
    reference = data.draw(st.one_of(st.none(), frames(config)))
    reasons: list[str] = []
    try:
        frame = decode_frame(config, payload, reference, 3 if reference else 0)
    except BitstreamError as error:
        reasons.append(error.reason)
    if reasons:
        assert reasons[0] in ("bad_symbol", "truncated", "trailing")
        return
    limits = config.steps.limits
    assert all(abs(symbol) <= limit for symbol, limit in zip(frame.symbols, limits, strict=True))
    assert encode_frame(config, frame.symbols, reference, 3 if reference else 0) == (payload, frame)
    assert np.isfinite(values_of(config.steps.params(frame.symbols))).all()


def test_what_never_moves_becomes_cheaper_and_what_starts_to_is_soon_expected() -> None:
    symbols = [0] * len(FINE.steps.limits)
    _, frame = encode_frame(FINE, tuple(symbols), None, 0)
    sizes = []
    for number in range(60):
        symbols[70] = 3 * (number % 2) if number >= 30 else 0  # the torso, up and down
        payload, frame = encode_frame(FINE, tuple(symbols), frame, 1)
        sizes.append(len(payload))
    assert frame.habits[70] > 0 > frame.habits[69]
    assert sizes[29] == 0
    assert sum(sizes[50:60]) < 0.7 * sum(sizes[30:40])


def conversation(quality: int, distance: int, count: int = 100) -> tuple[list[int], list[float]]:
    """Bytes of each frame of somebody who talks, and the largest error over the steps."""
    steps, sent, sizes, errors = RangeConfig(50, quality).steps, [], [], []
    for index in range(count):
        face = talking(index / RATE)
        reference = sent[index - distance] if index >= distance else None
        far = distance if reference else 0
        symbols = steps.symbols(face, predicted(RangeConfig(50, quality), reference, far))
        payload, frame = encode_frame(RangeConfig(50, quality), symbols, reference, far)
        sent.append(frame)
        sizes.append(len(payload))
        errors.append(float(np.abs(steps.exact(face) - symbols).max()))
    return sizes, errors


@pytest.mark.parametrize("distance", [1, 4])
def test_nothing_is_off_by_more_than_the_dead_zone_and_nothing_adds_up(distance: int) -> None:
    sizes, errors = conversation(4, distance)
    assert max(errors) < 0.62 + 1e-3
    assert np.mean(sizes[20:]) < np.mean(sizes[:distance])  # key frames


def test_coarser_is_smaller_and_a_still_face_is_free() -> None:
    fine, coarse = (np.mean(conversation(quality, 1)[0][1:]) for quality in (0, 12))
    assert coarse < 0.6 * fine
    face = FINE.steps.symbols(talking(0.3))
    _, key = encode_frame(FINE, face, None, 0)
    payload, still = encode_frame(FINE, face, key, 1)
    assert len(payload) <= 4
    for _ in range(5):
        payload, still = encode_frame(FINE, face, still, 1)
    assert len(payload) <= 2  # stillness is expected of who is still


def test_steady_movement_goes_on_by_itself() -> None:
    def at(number: int) -> tuple[int, ...]:
        symbols = [0] * len(FINE.steps.limits)
        symbols[53] = 16 * number
        return tuple(symbols)

    _, before = encode_frame(FINE, at(0), None, 0)
    _, moving = encode_frame(FINE, at(1), before, 1)
    assert predicted(FINE, before, 1) == at(0)
    assert predicted(FINE, moving, 1)[53] == 16 + 13
    assert predicted(FINE, moving, 7) == at(1)  # who knows


@pytest.mark.parametrize("quality", [0, 7, QUALITIES - 1])
def test_symbols_stay_within_ranges(quality: int) -> None:
    steps = RangeConfig(20, quality).steps
    vector = FaceParams.neutral(50, 0.6).to_vector()
    for sign in (-1, 1):
        far = FaceParams.from_vector((vector + sign * np.float32(9)).astype(np.float32))
        symbols = steps.symbols(far)
        assert all(abs(symbol) <= limit for symbol, limit in zip(symbols, steps.limits, strict=True))
        found = steps.params(symbols)
        assert np.abs(found.expression).max() <= WIDE_EXPRESSION_RANGE
        assert 0.1 <= found.translation[2] <= 3.1
        assert ((found.eyelids >= 0) & (found.eyelids <= 1)).all()
    neutral = steps.params((0,) * len(steps.limits))
    np.testing.assert_array_equal(neutral.to_vector(), FaceParams.neutral(20, 0.6).to_vector())


def test_configurations_that_do_not_exist() -> None:
    for wrong in ((15, 0), (50, -1), (50, QUALITIES)):
        with pytest.raises(ValueError, match="no steps"):
            RangeConfig(*wrong)


def test_tables_fit_each_other() -> None:
    assert {sum(sizes) for sizes in range_tables.SIZES} == {TOTAL}
    assert min(min(sizes) for sizes in range_tables.SIZES) >= 1
    means = [sum(symbol * size for symbol, size in enumerate(sizes)) for sizes in range_tables.SIZES]
    assert means == sorted(means)  # a higher class expects more
    assert len(range_tables.PX_PER_UNIT) == len(range_tables.LEVELS) == 71
    assert list(range_tables.LOG_MANTISSA) == [round(16 * np.log2(1 + k / 64)) for k in range(64)]
    one = [0] * 71
    one[53] = 1
    moved = RangeConfig(50, 0).steps.params(tuple(one)).translation[0]
    assert moved == pytest.approx(FINEST_PX / range_tables.PX_PER_UNIT[53])


@pytest.mark.parametrize("name", RANGE_STREAMS)
def test_golden_frames(name: str) -> None:
    wanted = json.loads((VECTORS / name).read_text())
    dims, own = RANGE_STREAMS[name]
    assert range_stream(dims, own) == wanted
    held: list[RangeFrame] = []
    for entry in wanted:
        reference = held[entry["reference"]] if entry["reference"] is not None else None
        distance = len(held) - entry["reference"] if reference else 0
        config = RangeConfig(entry["dims"], entry["quality"], own_basis() if own else None)
        frame = decode_frame(config, bytes.fromhex(entry["hex"]), reference, distance)
        assert list(frame.symbols) == entry["symbols"]
        assert frame.activity == entry["activity"]
        assert list(frame.velocity) == entry["velocity"]
        assert list(frame.habits) == entry["habits"]
        held.append(frame)
