from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codec.errors import BitstreamError
from codec.range_coder import TOTAL, TOTAL_BITS, RangeDecoder, RangeEncoder, bits_part

MODEL = (20000, 9000, 3000, 700, 67, 1)
STARTS = tuple(sum(MODEL[:symbol]) for symbol in range(len(MODEL)))
symbols_and_bits = st.lists(
    st.one_of(
        st.integers(0, len(MODEL) - 1),
        st.tuples(st.integers(0, TOTAL_BITS), st.integers(0, TOTAL - 1)).map(
            lambda pair: (pair[0], pair[1] % (1 << pair[0]))
        ),
    ),
    max_size=120,
)


def encoded(message) -> bytes:
    encoder = RangeEncoder()
    for each in message:
        if isinstance(each, tuple):
            encoder.encode(*bits_part(each[1], each[0]))
        else:
            encoder.encode(STARTS[each], MODEL[each])
    return encoder.to_bytes()


def decode_like(decoder: RangeDecoder, message) -> list:
    found = []
    for each in message:
        if isinstance(each, tuple):
            found.append((each[0], decoder.decode_bits(each[0])))
        else:
            part = decoder.peek()
            symbol = max(s for s, start in enumerate(STARTS) if start <= part)
            decoder.take(STARTS[symbol], MODEL[symbol])
            found.append(symbol)
    return found


def information_bits(message) -> float:
    return sum(each[0] if isinstance(each, tuple) else -math.log2(MODEL[each] / TOTAL) for each in message)


@given(symbols_and_bits)
def test_what_goes_in_comes_out_in_hardly_more_bits_than_it_holds(message) -> None:
    data = encoded(message)
    decoder = RangeDecoder(data)
    assert decode_like(decoder, message) == message
    decoder.finish()
    assert not data.endswith(b"\0")
    assert 8 * len(data) < information_bits(message) * 1.01 + 9


def test_certain_things_cost_nothing() -> None:
    assert encoded([]) == b""
    assert encoded([0] * 3) == b""  # zeros follow, and they lie in its interval


@given(symbols_and_bits, st.binary(max_size=60))
def test_a_message_has_one_code(message, other: bytes) -> None:
    data = encoded(message)
    for wrong in (data + b"\0", data + b"\x49", other):
        decoder = RangeDecoder(wrong)
        if wrong != data and decode_like(decoder, message) == message:
            with pytest.raises(BitstreamError) as caught:
                decoder.finish()
            assert caught.value.reason in ("truncated", "trailing")


@given(st.binary(max_size=40), symbols_and_bits)
def test_any_bytes_are_read(data: bytes, message) -> None:
    decode_like(RangeDecoder(data), message)
